/**
 * What a transaction on an OP Stack chain costs its sender: gas, the fee for its data on L1, and the operator fee, which
 * Base has at zero. Also a transaction that failed pays them. (Base's specification, execution engine: L1 fee as in the
 * receipt's `l1Fee`; operator fee since Isthmus, with another multiplier since Jovian.)
 */
export interface FeeTerms {
  /** A deposit from L1 has paid there and pays nothing here. */
  readonly isDeposit: boolean;
  readonly gasUsed: bigint;
  /** The effective price of one unit of gas. */
  readonly gasPriceWei: bigint;
  readonly l1FeeWei: bigint;
  readonly operatorFeeScalar: bigint;
  readonly operatorFeeConstantWei: bigint;
  /** Whether the block is one since the Jovian upgrade. */
  readonly isJovian: boolean;
}

export interface TransactionFee {
  readonly gasUsed: bigint;
  readonly gasPriceWei: bigint;
  readonly l1FeeWei: bigint;
  readonly operatorFeeWei: bigint;
  /** gas used × gas price + L1 fee + operator fee. */
  readonly feeWei: bigint;
}

export function transactionFee(terms: FeeTerms): TransactionFee {
  const { gasUsed } = terms;
  if (terms.isDeposit) return { gasUsed, gasPriceWei: 0n, l1FeeWei: 0n, operatorFeeWei: 0n, feeWei: 0n };
  const { gasPriceWei, l1FeeWei } = terms;
  const scaled = gasUsed * terms.operatorFeeScalar;
  const operatorFeeWei =
    (terms.isJovian ? scaled * 100n : scaled / 1_000_000n) + terms.operatorFeeConstantWei;
  return {
    gasUsed,
    gasPriceWei,
    l1FeeWei,
    operatorFeeWei,
    feeWei: gasUsed * gasPriceWei + l1FeeWei + operatorFeeWei,
  };
}
