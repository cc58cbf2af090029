/** How an order can be paid here (`GET /v1/payment-methods`). */
export interface PageSettings {
  readonly methods: readonly ('eth' | 'card')[];
  /** Null: the operator has no project of WalletConnect. */
  readonly walletconnect_project_id: string | null;
  /** The relay of WalletConnect, where there is a project. */
  readonly walletconnect_relay_url: string | null;
  /** Whether a wallet of the development chain is offered. */
  readonly development_wallet: boolean;
}
