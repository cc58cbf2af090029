import { BASE_CHAIN_ID } from '../api/chain-identity.ts';
import type { DevTokens } from './tokens.ts';

export interface ReportOptions {
  readonly apiUrl: string;
  readonly rpcUrl: string;
  readonly postgresPort: number;
  /** Null where a test account of Stripe is used. */
  readonly cardSimulatorUrl: string | null;
  readonly folder: string;
  readonly paymentAddress: string;
  /** A funded, unlocked account of the local chain. */
  readonly payer: string;
  readonly tokens: DevTokens;
}

/** What a newcomer needs to know once everything runs, with lines that work when they are pasted as they are. */
export function startUpReport(options: ReportOptions): string {
  return `
AiSpace Credits runs on this machine (development: no real money anywhere).

  buy credits          ${options.apiUrl}/
  account, API docs    ${options.apiUrl}/account   ${options.apiUrl}/docs
  local Base           ${options.rpcUrl}   (chain id ${BASE_CHAIN_ID})
  PostgreSQL           127.0.0.1:${options.postgresPort}
  card payments        ${options.cardSimulatorUrl ? `${options.cardSimulatorUrl}   (simulator: its dashboard)` : 'by your test account of Stripe'}
  state and logs       ${options.folder}
  payment address      ${options.paymentAddress}
  service token        ${options.tokens.service}
  operator token       ${options.tokens.operator}

Try it: paste these lines into a shell, one after the other.

${curlLines(options).join('\n')}

Ctrl-C stops everything; \`npm start\` carries on where it was, \`npm start -- --fresh\` begins anew.`;
}

/** Order, pay, claim the key, look, spend, check the books. Needs curl and sed only. */
export function curlLines({ apiUrl, rpcUrl, payer, tokens }: ReportOptions): string[] {
  return [
    `field() { sed -n "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/p"; }`,
    `ORDER=$(curl -sw "\\n" ${apiUrl}/v1/orders -H 'Content-Type: application/json' -d '{"amount_usd":"10","method":"eth"}'); echo "$ORDER"`,
    `ID=$(echo "$ORDER" | field id); SECRET=$(echo "$ORDER" | field secret)`,
    `curl -sw "\\n" ${rpcUrl} -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"eth_sendTransaction","params":[{"from":"${payer}","to":"'$(echo "$ORDER" | field to)'","value":"'$(echo "$ORDER" | field value)'","data":"'$(echo "$ORDER" | field data)'"}]}'; sleep 3`,
    `curl -sw "\\n" ${apiUrl}/v1/orders/$ID -H "Authorization: Bearer $SECRET"`,
    `KEY=$(curl -sw "\\n" -X POST ${apiUrl}/v1/orders/$ID/claim -H "Authorization: Bearer $SECRET" | field secure_key); echo "$KEY"`,
    `curl -sw "\\n" ${apiUrl}/v1/credits -H "Authorization: Bearer $KEY"`,
    `curl -sw "\\n" ${apiUrl}/v1/debits -H 'Authorization: Bearer ${tokens.service}' -H "Idempotency-Key: try-$(date +%s)" -H 'Content-Type: application/json' -d '{"secure_key":"'$KEY'","amount":"12.5"}'`,
    `curl -sw "\\n" ${apiUrl}/v1/operator/trial-balance -H 'Authorization: Bearer ${tokens.operator}'`,
  ];
}
