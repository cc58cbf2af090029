/**
 * What is paid on the chain, what happens then, and what the books say in the end. This is the whole list: each row is
 * played on the real chain, through the real indexer, into the real books (see scenes.ts for how), on every kind of chain.
 * After each table all assets sum to zero, nothing is between the books, the treasury is what the chain says, every hash
 * chain verifies; and after the last one every row still says the same.
 *
 * An order is $10, which is 0.005 ETH at the quoted $2,000: 100,000 credits. Then the price rises by 1 %, so that whatever
 * is taken at the price of its block is 101,000 for as much. `credits` and `debt` are those of all who are named in a row,
 * or of the one it is about (`at the quote`: all of an amount that the server chose); `answer` is that of the API, `yes` or the code of its refusal; `suspense` is what waits there,
 * and why.
 */
export const WHAT_IS_PAID = `
  paid                                                        | then                           | answer              | credits                 | debt | suspense
  by a wallet, with the order's reference                     |                                |                     | 100000                  | 0    |
  by a contract wallet, with the reference in its own call    |                                |                     | 100000                  | 0    |
  by a contract, the reference beside the call that pays      |                                |                     | 0                       | 0    | 0.005 ETH no_match
  by a wallet, without a reference                            |                                |                     | 0                       | 0    | 0.005 ETH no_match
  by a wallet, without a reference                            | its owner claims it            | yes                 | 100000                  | 0    |
  by a wallet with two accounts, without a reference          | its owner claims it for both at once | payment_assigned, yes | 100000          | 0    |
  by a wallet, without a reference                            | a stranger claims it           | not_found           | 0                       | 0    | 0.005 ETH no_match
  by a wallet, without a reference                            | a stranger signs for its owner | signature_invalid   | 0                       | 0    | 0.005 ETH no_match
  by a contract wallet, without a reference                   | its owner claims it            | yes                 | 100000                  | 0    |
  by a contract wallet, without a reference                   | a stranger signs for its owner | signature_invalid   | 0                       | 0    | 0.005 ETH no_match
  by a wallet that was linked                                 |                                | yes                 | 100000                  | 0    |
  by a wallet linked before it was deployed                   |                                | wallet_not_deployed | 0                       | 0    | 0.005 ETH no_match
  by a wallet linked by the same signature once deployed      |                                | yes                 | 100000                  | 0    |
  by a linked wallet, with the reference of another account   |                                | yes                 | alice 100000, mallory 0 | 0    |
  with somebody else's reference                              |                                |                     | alice 100000, mallory 0 | 0    |
  with somebody else's reference                              | its owner claims it            | payment_assigned    | alice 100000, mallory 0 | 0    |
  with a reference of no order                                |                                |                     | 0                       | 0    | 0.005 ETH reference_unknown
  as three transfers of a batch: two references, one without  |                                |                     | alice 100000, bob 100000 | 0   | 0.005 ETH no_match
  twice                                                       |                                |                     | 201000                  | 0    |
  in two parts                                                |                                |                     | 100000                  | 0    |
  nothing: 0 wei                                              |                                |                     | 0                       | 0    |
  1 wei                                                       |                                |                     | 0                       | 0    |
  in full, and then 1 wei                                     |                                |                     | 100000                  | 0    | 1 wei under_a_dollar
  after a stranger's 1 wei with the same reference            |                                |                     | 100000                  | 0    |
  in a call that is undone by the one around it               |                                |                     | 0                       | 0    |
  in a transaction that fails                                 |                                |                     | 0                       | 0    |
  as the value that a DELEGATECALL repeats                    |                                |                     | 0                       | 0    |
  as the value that a CALLCODE repeats                        |                                |                     | 0                       | 0    |
  by a SELFDESTRUCT                                           | its owner claims it            | not_found           | 0                       | 0    | 0.005 ETH not_a_payment
  by a deposit from L1                                        | its owner claims it            | not_found           | 0                       | 0    | 777 wei not_a_payment
  as a unique amount                                          |                                |                     | at the quote            | 0    |
  as a unique amount, by two wallets                          |                                |                     | at the quote            | 0    | as much again unique_amount_taken
  round, where a stranger keeps unique amounts beside it      |                                |                     | alice 0, mallory 0      | 0    | 0.005 ETH no_match
  by an exchange, with the order's reference                  |                                |                     | 100000                  | 0    |
  by an exchange, without a reference                         | its owner claims it            | sender_pooled       | 0                       | 0    | 0.005 ETH no_match
  by a blocked sender, with the order's reference             |                                |                     | 0                       | 0    | 0.005 ETH sender_blocked
  by an address that looks like a linked one                  |                                | yes                 | 0                       | 0    | 0.005 ETH no_match
  as dust with the reference, by an address that looks like ours | the buyer looks where to pay | only our address    | 0                       | 0    |
`;

/** Of all these payments the first is in the first block that is replaced. At half its value: a contract pays less there. */
export const REORGS = `
  paid                     | then                                                  | answer | credits | debt  | suspense
  with nothing spent       | 1 block is replaced, and has it no more               |        | 0       | 0     |
  with nothing spent       | 1 block is replaced, and it is in the next            |        | 100000  | 0     |
  with nothing spent       | 1 block is replaced, and it pays half in the next     |        | 50000   | 0     |
  with 80000 credits spent | 1 block is replaced, and has it no more               |        | 0       | 80000 |
  with 80000 credits spent | 1 block is replaced, and it is in the next            |        | 20000   | 0     |
  with 80000 credits spent | 1 block is replaced, and it pays half in the next     |        | 0       | 30000 |
  with nothing spent       | 5 blocks are replaced, and have it no more            |        | 0       | 0     |
  with nothing spent       | 5 blocks are replaced, and it is in the next          |        | 100000  | 0     |
  with nothing spent       | 5 blocks are replaced, and it pays half in the next   |        | 50000   | 0     |
  with 80000 credits spent | 5 blocks are replaced, and have it no more            |        | 0       | 80000 |
  with 80000 credits spent | 5 blocks are replaced, and it is in the next          |        | 20000   | 0     |
  with 80000 credits spent | 5 blocks are replaced, and it pays half in the next   |        | 0       | 30000 |
  with nothing spent       | 31 blocks are replaced, and have it no more           |        | 0       | 0     |
  with nothing spent       | 31 blocks are replaced, and it is in the next         |        | 100000  | 0     |
  with nothing spent       | 31 blocks are replaced, and it pays half in the next  |        | 50000   | 0     |
  with 80000 credits spent | 31 blocks are replaced, and have it no more           |        | 0       | 80000 |
  with 80000 credits spent | 31 blocks are replaced, and it is in the next         |        | 20000   | 0     |
  with 80000 credits spent | 31 blocks are replaced, and it pays half in the next  |        | 0       | 30000 |
`;

/** The indexer dies with its tables; then the chain halts for ten minutes, in which the price rises to $2,100. */
export const FAULTS = `
  paid                                | then                                                    | answer | credits | debt | suspense
  just before it                      | Ponder is killed and its schema dropped                 |        | 100000  | 0    |
  while it is away                    | Ponder is killed and its schema dropped                 |        | 100000  | 0    |
  in the last block before it         | the chain halts and catches up with blocks of old times |        | 100000  | 0    |
  in a block that it caught up with   | the chain halts and catches up with blocks of old times |        | 105000  | 0    |
`;

export interface Row {
  readonly paid: string;
  readonly then: string;
  readonly answer: string;
  readonly credits: string;
  readonly debt: string;
  readonly suspense: string;
}

export function rowsOf(table: string): Row[] {
  const [head, ...rows] = table
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => line.split('|').map(cell => cell.trim()));
  if (head?.join('|') !== 'paid|then|answer|credits|debt|suspense')
    throw new Error('a table begins with its head line');
  return rows.map(cells => {
    if (cells.length !== 6) throw new Error(`a row has six cells: ${cells.join(' | ')}`);
    const [paid = '', then = '', answer = '', credits = '', debt = '', suspense = ''] = cells;
    return { paid, then, answer, credits, debt, suspense };
  });
}
