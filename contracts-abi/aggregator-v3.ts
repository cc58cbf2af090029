/**
 * What this system reads of a Chainlink price feed: the AggregatorV3 interface and the phases of its proxy.
 *
 * Sources:
 * https://github.com/smartcontractkit/chainlink/blob/885380ecce5ceed0cf67d3b3d2e81a102110cc37/contracts/src/v0.8/shared/interfaces/AggregatorV3Interface.sol
 * https://github.com/smartcontractkit/chainlink/blob/130c884caec4be681c747b3e4a0b512f2a84dbc9/contracts/src/v0.6/AggregatorProxy.sol
 *
 * A proxy's round id is `phaseId << 64 | round of that phase's aggregator`. A round that does not exist is a
 * revert or, with OCR2 aggregators, an answer whose `updatedAt` is 0: treat both as missing.
 */
export const aggregatorV3Abi = [
  {
    type: 'function',
    name: 'latestRoundData',
    stateMutability: 'view',
    inputs: [],
    outputs: [
      { name: 'roundId', type: 'uint80' },
      { name: 'answer', type: 'int256' },
      { name: 'startedAt', type: 'uint256' },
      { name: 'updatedAt', type: 'uint256' },
      { name: 'answeredInRound', type: 'uint80' },
    ],
  },
  {
    type: 'function',
    name: 'getRoundData',
    stateMutability: 'view',
    inputs: [{ name: '_roundId', type: 'uint80' }],
    outputs: [
      { name: 'roundId', type: 'uint80' },
      { name: 'answer', type: 'int256' },
      { name: 'startedAt', type: 'uint256' },
      { name: 'updatedAt', type: 'uint256' },
      { name: 'answeredInRound', type: 'uint80' },
    ],
  },
  {
    type: 'function',
    name: 'decimals',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'uint8' }],
  },
  {
    type: 'function',
    name: 'description',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'string' }],
  },
  {
    type: 'function',
    name: 'version',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'uint256' }],
  },
  {
    type: 'function',
    name: 'phaseId',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'uint16' }],
  },
  {
    type: 'function',
    name: 'phaseAggregators',
    stateMutability: 'view',
    inputs: [{ name: '', type: 'uint16' }],
    outputs: [{ name: '', type: 'address' }],
  },
  {
    type: 'function',
    name: 'aggregator',
    stateMutability: 'view',
    inputs: [],
    outputs: [{ name: '', type: 'address' }],
  },
] as const;
