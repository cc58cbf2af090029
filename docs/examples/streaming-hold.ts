/**
 * Holds credits around a streaming call of a model: `node streaming-hold.ts "a prompt"`. What was streamed is paid, also
 * when the reader leaves early; a call that fails costs nothing. MODEL_URL is any API that streams as OpenAI's does.
 */
import { CreditsClient, HoldExceededError } from 'aispace-credits-client';

const { CREDITS_URL = 'http://127.0.0.1:3000', CREDITS_TOKEN = '', CUSTOMER_KEY = '' } = process.env;
const { MODEL_URL = 'http://127.0.0.1:11434', MODEL = 'chat-small', CREDITS_MAX = '20' } = process.env;
const CREDITS_PER_PIECE = '0.02';

const credits = new CreditsClient({ baseUrl: CREDITS_URL, serviceToken: CREDITS_TOKEN });
const prompt = process.argv[2] ?? 'Say hello.';

const answer = await credits.withHold(
  { secure_key: CUSTOMER_KEY, amount: CREDITS_MAX },
  async function* (held) {
    for await (const piece of streamOf(prompt)) {
      try {
        held.use(CREDITS_PER_PIECE);
      } catch (error) {
        // All that is held is used: what came so far is paid, and the stream ends here.
        if (error instanceof HoldExceededError) return;
        throw error;
      }
      yield piece;
    }
  },
);
for await (const piece of answer) process.stdout.write(piece);
process.stdout.write('\n');

/** The pieces of the model's answer as they come. */
async function* streamOf(content: string): AsyncGenerator<string> {
  const response = await fetch(`${MODEL_URL}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: MODEL, stream: true, messages: [{ role: 'user', content }] }),
  });
  if (!response.ok || !response.body) throw new Error(`the model answered ${response.status}`);
  let text = '';
  for await (const bytes of response.body.pipeThrough(new TextDecoderStream())) {
    text += bytes;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue;
      const { choices } = JSON.parse(line.slice('data: '.length));
      const piece = choices[0]?.delta?.content;
      if (piece) yield piece;
    }
  }
}
