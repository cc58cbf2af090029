/**
 * Senders that pay for many people: bridges, solvers, exchanges. Whoever holds such a key is not who paid, so these
 * addresses can neither be linked to an account nor claim anything. Each is named as in its source. No such list is
 * complete: the operator adds to it by POOLED_SENDERS_FILE.
 */
import type { ListedSender } from './sender-lists.ts';

interface SourcedSender extends ListedSender {
  /** Where the address is said to be theirs. */
  readonly source: string;
}

const BASE = 'https://docs.base.org/specifications/reference/base-contracts';
const ACROSS = 'https://docs.across.to/v/developer-docs/developers/contract-addresses/base-chain-id-8453';
const RELAY = 'https://docs.relay.link/references/api/api_resources/contract-addresses';
// Wallets of exchanges are plain accounts, which are their owner's on every EVM chain, whichever chain a list is of.
const DUNE = 'https://github.com/duneanalytics/spellbook';
const DUNE_EVM = `${DUNE}: dbt_subprojects/hourly_spellbook/models/_sector/cex/addresses/chains/cex_evms_addresses.sql`;
const DUNE_ETHEREUM = `${DUNE}: models/cex/ethereum/cex_ethereum_addresses.sql`;
const DUNE_OPTIMISM = `${DUNE}: models/cex/optimism/cex_optimism_addresses.sql`;

export const POOLED_SENDERS: readonly SourcedSender[] = [
  {
    address: '0x4200000000000000000000000000000000000007',
    name: 'Base: L2CrossDomainMessenger',
    source: BASE,
  },
  { address: '0x4200000000000000000000000000000000000010', name: 'Base: L2StandardBridge', source: BASE },
  { address: '0x09aea4b2242abc8bb4bb78d537a67a245a7bec64', name: 'Across: Base_SpokePool', source: ACROSS },
  { address: '0xf70da97812cb96acdf810712aa562db8dfa3dbef', name: 'Relay: solver', source: RELAY },
  { address: '0xf5042e6ffac5a625d4e7848e0b01373d8eb9e222', name: 'Relay: v2 router', source: RELAY },
  { address: '0x3ec130b627944cad9b2750300ecb0a695da522b6', name: 'Relay: v2.1 router', source: RELAY },
  { address: '0xb92fe925dc43a0ecde6c8b1a2709c170ec4fff4f', name: 'Relay: v3 router', source: RELAY },
  { address: '0x28c6c06298d514db089934071355e5743bf21d60', name: 'Binance 14', source: DUNE_EVM },
  { address: '0x21a31ee1afc51d94c2efccaa2092ad1028285549', name: 'Binance 15', source: DUNE_EVM },
  { address: '0xdfd5293d8e347dfe59e90efd55b2956a1343963d', name: 'Binance 16', source: DUNE_EVM },
  { address: '0x56eddb7aa87536c09ccc2793473599fd21a8b17f', name: 'Binance 17', source: DUNE_EVM },
  { address: '0x9696f59e4d72e237be84ffd425dcad154bf96976', name: 'Binance 18', source: DUNE_EVM },
  { address: '0x4976a4a02f38326660d17bf34b431dc6e2eb2327', name: 'Binance 20', source: DUNE_EVM },
  { address: '0xb38e8c17e38363af6ebdcb3dae12e0243582891d', name: 'Binance 54', source: DUNE_EVM },
  { address: '0x3304e22ddaa22bcdc5fca2269b418046ae7b566a', name: 'Binance 76', source: DUNE_EVM },
  { address: '0xeb2d2f1b8c558a40207669291fda468e50c8a0bb', name: 'Binance Withdrawals 1', source: DUNE_EVM },
  { address: '0xdccf3b77da55107280bd850ea519df3705d1a75a', name: 'Binance Withdrawals 2', source: DUNE_EVM },
  { address: '0xa180fe01b906a1be37be6c534a3300785b20d947', name: 'Binance Withdrawals 3', source: DUNE_EVM },
  { address: '0x29bdfbf7d27462a2d115748ace2bd71a2646946c', name: 'Binance Withdrawals 4', source: DUNE_EVM },
  { address: '0x1fbe2acee135d991592f167ac371f3dd893a508b', name: 'Binance Withdrawals 5', source: DUNE_EVM },
  { address: '0x73f5ebe90f27b46ea12e5795d16c4b408b19cc6f', name: 'Binance Withdrawals 6', source: DUNE_EVM },
  { address: '0xe2fc31f816a9b94326492132018c3aecc4a93ae1', name: 'Binance Withdrawals 7', source: DUNE_EVM },
  { address: '0xf92402bb795fd7cd08fb83839689db79099c8c9c', name: 'Binance Hot 1', source: DUNE_EVM },
  { address: '0xe6a02eefc2612b13f2b3b914009576ce5495ec0e', name: 'Kraken Withdrawals 1', source: DUNE_EVM },
  { address: '0xe9f7ecae3a53d2a67105292894676b00d1fab785', name: 'Kraken Hot Wallet', source: DUNE_EVM },
  { address: '0x77134cbc06cb00b66f4c7e623d5fdbf6777635ec', name: 'Bitfinex Hot Wallet', source: DUNE_EVM },
  { address: '0x71660c4005ba85c37ccec55d0c4493e66fe775d3', name: 'Coinbase 1', source: DUNE_ETHEREUM },
  { address: '0x503828976d22510aad0201ac7ec88293211d23da', name: 'Coinbase 2', source: DUNE_ETHEREUM },
  { address: '0xddfabcdc4d8ffc6d5beaf154f18b778f892a0740', name: 'Coinbase 3', source: DUNE_ETHEREUM },
  { address: '0x3cd751e6b0078be393132286c442345e5dc49699', name: 'Coinbase 4', source: DUNE_ETHEREUM },
  { address: '0xb5d85cbf7cb3ee0d56b3bb207d5fc4b82f43f511', name: 'Coinbase 5', source: DUNE_ETHEREUM },
  { address: '0xeb2629a2734e272bcc07bda959863f316f4bd4cf', name: 'Coinbase 6', source: DUNE_ETHEREUM },
  { address: '0xd688aea8f7d450909ade10c47faa95707b0682d9', name: 'Coinbase 7', source: DUNE_ETHEREUM },
  { address: '0x02466e547bfdab679fc49e96bbfc62b9747d997c', name: 'Coinbase 8', source: DUNE_ETHEREUM },
  { address: '0x6b76f8b1e9e59913bfe758821887311ba1805cab', name: 'Coinbase 9', source: DUNE_ETHEREUM },
  { address: '0xa9d1e08c7793af67e9d92fe308d5697fb81d3e43', name: 'Coinbase 10', source: DUNE_ETHEREUM },
  { address: '0x77696bb39917c91a0c3908d577d5e322095425ca', name: 'Coinbase 11', source: DUNE_ETHEREUM },
  { address: '0x7c195d981abfdc3ddecd2ca0fed0958430488e34', name: 'Coinbase 12', source: DUNE_ETHEREUM },
  { address: '0x95a9bd206ae52c4ba8eecfc93d18eacdd41c88cc', name: 'Coinbase 13', source: DUNE_ETHEREUM },
  { address: '0xb739d0895772dbb71a89a3754a160269068f0d45', name: 'Coinbase 14', source: DUNE_ETHEREUM },
  { address: '0x6cc5f688a315f3dc28a7781717a9a798a59fda7b', name: 'OKX', source: DUNE_ETHEREUM },
  { address: '0x236f9f97e0e62388479bf9e5ba4889e46b0273c3', name: 'OKX 2', source: DUNE_ETHEREUM },
  { address: '0xa7efae728d2936e78bda97dc267687568dd593f3', name: 'OKX 3', source: DUNE_ETHEREUM },
  { address: '0x2c8fbb630289363ac80705a1a61273f76fd5a161', name: 'OKX 4', source: DUNE_ETHEREUM },
  { address: '0x59fae149a8f8ec74d5bc038f8b76d25b136b9573', name: 'OKX 5', source: DUNE_ETHEREUM },
  { address: '0x98ec059dc3adfbdd63429454aeb0c990fba4a128', name: 'OKX 6', source: DUNE_ETHEREUM },
  { address: '0x5041ed759dd4afc3a72b8192c143f72f4724081a', name: 'OKX 7', source: DUNE_ETHEREUM },
  { address: '0xcba38020cd7b6f51df6afaf507685add148f6ab6', name: 'OKX 8', source: DUNE_ETHEREUM },
  { address: '0x461249076b88189f8ac9418de28b365859e46bfd', name: 'OKX 9', source: DUNE_ETHEREUM },
  { address: '0xc5451b523d5fffe1351337a221688a62806ad91a', name: 'OKX 10', source: DUNE_ETHEREUM },
  { address: '0xee5b5b923ffce93a870b3104b7ca09c3db80047a', name: 'Bybit 4', source: DUNE_ETHEREUM },
  { address: '0xf89d7b9c864f589bbf53a82105107622b35eaa40', name: 'Bybit 5', source: DUNE_ETHEREUM },
  { address: '0x2910543af39aba0cd09dbb2d50200b3e800a63d2', name: 'Kraken 1', source: DUNE_ETHEREUM },
  { address: '0x0a869d79a7052c7f1b55a8ebabbea3420f0d1e13', name: 'Kraken 2', source: DUNE_ETHEREUM },
  { address: '0xe853c56864a2ebe4576a807d26fdc4a0ada51919', name: 'Kraken 3', source: DUNE_ETHEREUM },
  { address: '0x267be1c1d684f78cb4f6a176c4911b741e4ffdc0', name: 'Kraken 4', source: DUNE_ETHEREUM },
  { address: '0x0d0707963952f2fba59dd06f2b425ace40b492fe', name: 'Gate.io 1', source: DUNE_ETHEREUM },
  { address: '0x1c4b70a3968436b9a0a9cf5205c787eb81bb558c', name: 'Gate.io 3', source: DUNE_ETHEREUM },
  {
    address: '0x5122e9aa635c13afd2fc31de3953e0896bac7ab4',
    name: 'Coinbase 1 on OP Mainnet',
    source: DUNE_OPTIMISM,
  },
  {
    address: '0xf491d040110384dbcf7f241ffe2a546513fd873d',
    name: 'Coinbase 2 on OP Mainnet',
    source: DUNE_OPTIMISM,
  },
  {
    address: '0xd839c179a4606f46abd7a757f7bb77d7593ae249',
    name: 'Coinbase 3 on OP Mainnet',
    source: DUNE_OPTIMISM,
  },
  {
    address: '0xc8373edfad6d5c5f600b6b2507f78431c5271ff5',
    name: 'Coinbase 4 on OP Mainnet',
    source: DUNE_OPTIMISM,
  },
  {
    address: '0xdfd76bbfeb9eb8322f3696d3567e03f894c40d6c',
    name: 'Coinbase 5 on OP Mainnet',
    source: DUNE_OPTIMISM,
  },
  {
    address: '0xebe80f029b1c02862b9e8a70a7e5317c06f62cae',
    name: 'OKX 1 on OP Mainnet',
    source: DUNE_OPTIMISM,
  },
];
