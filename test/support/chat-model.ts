/** A model behind an API like OpenAI's, at once or as a stream. It is another company's: here it says what it is asked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatModel {
  readonly url: string;
  /** How many calls it took. */
  readonly calls: number;
  stop(): Promise<void>;
}

interface Asked {
  readonly stream?: boolean;
  readonly messages: readonly { readonly content: string }[];
}

/** It answers with the words of the prompt, each a piece and a token; at the word "fail" it breaks. */
export async function startChatModel(): Promise<ChatModel> {
  let calls = 0;
  const server = createServer(async (request, response) => {
    calls += 1;
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    const { stream = false, messages } = JSON.parse(body) as Asked;
    const words = (messages[0]?.content ?? '').split(' ');
    if (!stream) {
      if (words.includes('fail')) return void response.writeHead(500).end();
      response.writeHead(200, { 'content-type': 'application/json' });
      const message = { role: 'assistant', content: words.join(' ') };
      response.end(JSON.stringify({ choices: [{ message }], usage: { total_tokens: words.length } }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const [index, word] of words.entries()) {
      if (word === 'fail') return void response.destroy();
      const content = index === 0 ? word : ` ${word}`;
      await new Promise(resolve =>
        response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`, resolve),
      );
    }
    response.end('data: [DONE]\n\n');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get calls() {
      return calls;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}
