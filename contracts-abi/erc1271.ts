/** ERC-1271, how a contract says whether a signature is its owner's: https://eips.ethereum.org/EIPS/eip-1271 */
export const ERC1271_ABI = [
  {
    type: 'function',
    name: 'isValidSignature',
    stateMutability: 'view',
    inputs: [
      { name: 'hash', type: 'bytes32' },
      { name: 'signature', type: 'bytes' },
    ],
    outputs: [{ name: 'magicValue', type: 'bytes4' }],
  },
] as const;

/** bytes4(keccak256("isValidSignature(bytes32,bytes)")): the only answer that means yes. */
export const ERC1271_MAGIC_VALUE = '0x1626ba7e';
