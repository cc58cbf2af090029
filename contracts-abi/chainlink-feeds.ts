/** Chainlink's ETH/USD proxy on Base, 8 decimals (https://docs.chain.link/data-feeds/price-feeds/addresses?network=base). */
export const ETH_USD_FEED = '0x71041dddad3595F9CEd3DcCFBe3D1F4b0a16Bb70' as const;

/** Chainlink's sequencer uptime feed on Base: 0 is up, 1 is down (https://docs.chain.link/data-feeds/l2-sequencer-feeds). */
export const SEQUENCER_FEED = '0xBCF85224fc0756B9Fa45aA7892530B47e10b6433' as const;
