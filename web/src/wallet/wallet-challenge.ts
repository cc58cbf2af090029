/** What a wallet is to sign, as the API gives it out. */
export interface Challenge {
  readonly message: string;
  readonly expires_at: string;
  /** Of a recovery: its second step is asked for with it. */
  readonly session?: string;
}
