/**
 * Takes webhooks: `node webhook-receiver.ts`. The endpoint's secret is in WEBHOOK_SECRET; while it is being changed, both
 * of them, with a space between.
 */
import { createServer } from 'node:http';
import { verifyWebhook, WebhookInvalidError } from 'aispace-credits-client';

const { WEBHOOK_SECRET = '', PORT = '4100' } = process.env;
/** In your database, if there are several of you. */
const seen = new Set<string>();

createServer(async (request, response) => {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    // The body as it came: parsed and written again, it would not fit its signature.
    const body = Buffer.concat(chunks);
    const event = await verifyWebhook({ secret: WEBHOOK_SECRET.split(' '), headers: request.headers, body });
    response.writeHead(204).end();
    // The same message may come more than once.
    const id = String(request.headers['webhook-id']);
    if (seen.has(id)) return;
    seen.add(id);
    console.log(`${event.type} ${JSON.stringify(event.data)}`);
  } catch (error) {
    if (!(error instanceof WebhookInvalidError)) console.error(error);
    response.writeHead(error instanceof WebhookInvalidError ? 400 : 500).end();
  }
}).listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${PORT}`));
