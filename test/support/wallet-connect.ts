/** WalletConnect on this machine: a relay in place of its own, and a wallet at the other end of it. */
import { SignClient } from '@walletconnect/sign-client';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { DevAccount } from '../../dev/accounts.ts';
import { askChain } from './page-wallet.ts';
import { type Connection, startWebSocketServer } from './websocket-server.ts';

export const TEST_PROJECT_ID = '0123456789abcdef0123456789abcdef';

const CHAIN = 'eip155:8453';

interface RelayRequest {
  readonly id: unknown;
  readonly method?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Passes on what it cannot read, by topic, and keeps it for who subscribes later, as WalletConnect's relay does. */
export async function startRelay() {
  const subscribers = new Map<string, Set<Connection>>();
  const mailboxes = new Map<string, { message: string; from: Connection }[]>();
  let count = 0;
  const deliver = (to: Connection, topic: string, message: string) => {
    count += 1;
    const data = { topic, message, publishedAt: Date.now(), tag: 0 };
    const params = { id: topic, data };
    to.send(JSON.stringify({ id: count, jsonrpc: '2.0', method: 'irn_subscription', params }));
  };
  const subscribe = (who: Connection, topic: string) => {
    const all = subscribers.get(topic) ?? new Set();
    subscribers.set(topic, all.add(who));
    for (const { message, from } of mailboxes.get(topic) ?? [])
      if (from !== who) deliver(who, topic, message);
  };
  const publish = (from: Connection, topic: string, message: string) => {
    mailboxes.set(topic, [...(mailboxes.get(topic) ?? []), { message, from }]);
    for (const who of subscribers.get(topic) ?? []) if (who !== from) deliver(who, topic, message);
  };
  const methods: Record<string, (from: Connection, params: RelayRequest['params']) => unknown> = {
    irn_subscribe: (from, { topic }) => {
      subscribe(from, String(topic));
      return topic;
    },
    irn_batchSubscribe: (from, { topics }) => {
      for (const topic of topics as string[]) subscribe(from, topic);
      return topics;
    },
    irn_unsubscribe: (from, { topic }) => subscribers.get(String(topic))?.delete(from) ?? false,
    irn_batchFetchMessages: () => ({ messages: [], hasMore: false }),
    irn_publish: (from, { topic, message }) => {
      publish(from, String(topic), String(message));
      return true;
    },
    wc_proposeSession: (from, { pairingTopic, sessionProposal }) => {
      subscribe(from, String(pairingTopic));
      publish(from, String(pairingTopic), String(sessionProposal));
      return true;
    },
    wc_approveSession: (from, params) => {
      subscribe(from, String(params.sessionTopic));
      publish(from, String(params.pairingTopic), String(params.sessionProposalResponse));
      publish(from, String(params.sessionTopic), String(params.sessionSettlementRequest));
      return true;
    },
  };
  const server = await startWebSocketServer((text, from) => {
    const { id, method, params } = JSON.parse(text) as RelayRequest;
    // Else it is the answer to something that was delivered.
    if (method === undefined) return;
    const handle = methods[method];
    const answer = handle
      ? { result: handle(from, params) }
      : { error: { code: -32601, message: `no method ${method}` } };
    from.send(JSON.stringify({ id, jsonrpc: '2.0', ...answer }));
  });
  return server;
}

/** A wallet on a phone, which pays and signs as `account` whatever it is asked for. */
export async function startPhoneWallet(relayUrl: string, rpcUrl: string, account: DevAccount) {
  const client = await SignClient.init({
    relayUrl,
    projectId: TEST_PROJECT_ID,
    metadata: { name: 'Phone wallet', description: 'A test', url: 'https://wallet.example', icons: [] },
    storageOptions: { database: ':memory:' },
    telemetryEnabled: false,
    logger: 'silent',
  });
  const asked: string[] = [];
  client.on('session_proposal', ({ id }) => {
    const namespaces = {
      eip155: {
        accounts: [`${CHAIN}:${account.address}`],
        methods: ['eth_sendTransaction', 'personal_sign'],
        events: ['accountsChanged', 'chainChanged'],
      },
    };
    void client.approve({ id, namespaces });
  });
  client.on('session_request', ({ id, topic, params }) => {
    void (async () => {
      const { method, params: its } = params.request;
      asked.push(method);
      const signer = privateKeyToAccount(account.privateKey);
      const answer =
        method === 'personal_sign'
          ? { result: await signer.signMessage({ message: { raw: its[0] as Hex } }) }
          : await askChain(rpcUrl, method, its);
      await client.respond({ topic, response: { id, jsonrpc: '2.0', ...answer } as never });
    })();
  });
  return {
    asked,
    /** Takes the address that a page shows. */
    pair: async (uri: string) => void (await client.pair({ uri })),
    /** Ends all connections from the wallet's side. */
    async leave() {
      const reason = { code: 6000, message: 'User disconnected.' };
      for (const { topic } of client.session.getAll()) await client.disconnect({ topic, reason });
    },
    async stop() {
      client.core.heartbeat.stop();
      await client.core.relayer.transportClose();
    },
  };
}
