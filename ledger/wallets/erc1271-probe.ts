/**
 * Asking a contract by ERC-1271 whether a signature is its owner's. A contract may burn gas, revert, or answer rubbish,
 * and RPCs report such calls in as many ways as there are nodes. So the call is made from inside a small program that is
 * itself run by eth_call and never fails: an error is then always the RPC's own, and the answer always the contract's.
 * STATICCALL keeps the contract from changing anything even there.
 */
import { concatHex, encodeFunctionData, type Hex, numberToHex, size, sliceHex } from 'viem';
import { ERC1271_ABI, ERC1271_MAGIC_VALUE } from '../../contracts-abi/erc1271.ts';

/** What the contract may use. Checking a passkey's signature in Solidity takes about 300,000, a few of them a million. */
export const CONTRACT_GAS_MAX = 2_000_000n;
/** For the program as a whole: a 64th stays with it, and sending it has its price too. */
export const PROBE_GAS = CONTRACT_GAS_MAX + 1_000_000n;

const WORD = 32;

/** The program, as the `data` of an eth_call without `to`. */
export function probeProgram(contract: Hex, hash: Hex, signature: Hex): Hex {
  const call = encodeFunctionData({
    abi: ERC1271_ABI,
    functionName: 'isValidSignature',
    args: [hash, signature],
  });
  const length = size(call);
  // Behind the call in memory, rounded up to a word: where the answer is put.
  const out = Math.ceil(length / WORD) * WORD;
  const instructions = (start: number) =>
    concatHex([
      // The call follows the program: bring it into memory.
      ...[push(2, length), push(2, start), push(1, 0), CODECOPY],
      // Make it, letting the first word of the answer be written behind two of our own.
      ...[push(1, WORD), push(2, out + 2 * WORD), push(2, length), push(1, 0), push(20, BigInt(contract))],
      ...[push(4, CONTRACT_GAS_MAX), STATICCALL],
      // Whether it succeeded, then how long the answer is.
      ...[push(2, out), MSTORE, RETURNDATASIZE, push(2, out + WORD), MSTORE],
      ...[push(1, 3 * WORD), push(2, out), RETURN],
    ]);
  // The instructions have the same length wherever they say that the call starts.
  const program = instructions(size(instructions(0)));
  return concatHex([program, call]);
}

/** What the program answered: whether the contract takes the signature for its owner's. */
export function isAccepted(answer: Hex): boolean {
  if (size(answer) !== 3 * WORD) return false;
  const [succeeded, length, word] = [0, 1, 2].map(index =>
    BigInt(sliceHex(answer, index * WORD, (index + 1) * WORD)),
  );
  return succeeded === 1n && (length ?? 0n) >= BigInt(WORD) && word === MAGIC_WORD;
}

/** The magic value as the contract returns it: a bytes4, with zeros behind it. */
const MAGIC_WORD = BigInt(ERC1271_MAGIC_VALUE) << 224n;

const CODECOPY: Hex = '0x39';
const RETURNDATASIZE: Hex = '0x3d';
const MSTORE: Hex = '0x52';
const RETURN: Hex = '0xf3';
const STATICCALL: Hex = '0xfa';

/** PUSH1 to PUSH32 are 0x60 to 0x7f. */
function push(bytes: number, value: number | bigint): Hex {
  return concatHex([numberToHex(0x5f + bytes, { size: 1 }), numberToHex(value, { size: bytes })]);
}
