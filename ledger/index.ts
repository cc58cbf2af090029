/** What the ledger offers to api, cli, dev and tests. Nothing else of it may be imported from outside. */
export type { AuditedPart } from './accounting.ts';
export { ALARM_KINDS, type AlarmKind, type RaisedAlarm } from './alarms/alarm.ts';
export { exportArchive } from './archive/export-archive.ts';
export { ArchiveError, type Imported, importArchive } from './archive/import-archive.ts';
export type { Problem } from './audit/problem.ts';
export { type Verification, type VerifyOptions, verifyJournal } from './audit/verify.ts';
export type { CardWorker } from './cards/card-worker.ts';
export { type Cards, StripeAwayError } from './cards/cards.ts';
export type { Checkout } from './cards/checkout.ts';
export { CARD_CENTS_MIN, STRIPE_API_VERSION } from './cards/stripe-client.ts';
export {
  AuditRangeError,
  auditChain,
  type ChainAudit,
  type ChainAuditOptions,
  NothingToAuditError,
  readAuditedRange,
} from './chain-audit/audit-chain.ts';
export {
  type AuditClient,
  CALLS_PER_REQUEST_DEFAULT,
  openAuditClient,
} from './chain-audit/audit-client.ts';
export { type BlockRange, NoStateError } from './chain-audit/bisection.ts';
export type { ScannedReceipt } from './chain-audit/block-movements.ts';
export type { Difference as ChainDifference } from './chain-audit/compare-movements.ts';
export {
  REQUESTS_AT_ONCE_DEFAULT,
  ScanBudgetError,
  type ScannedReceipts,
  type ScanOptions,
  scanReceipts,
} from './chain-audit/scan-chain.ts';
export { ForeignMemoryError, ScanMemory, type ScanSubject } from './chain-audit/scan-memory.ts';
export { type Distribution, distribute, previewDistribution } from './cluster/distribute.ts';
export { accountName, parseAccountName } from './core/account-id.ts';
export { MICROCREDITS_PER_CREDIT, MICROUSD_PER_USD, microcreditsOf } from './core/amount.ts';
export { cardOrderProgress } from './core/card-order-state.ts';
export { decimalText } from './core/decimal-text.ts';
export { HOLD_LIFE_DEFAULT, HOLD_LIFE_MAX } from './core/hold.ts';
export { type Instant, instantOfSeconds } from './core/instant.ts';
export type { HoldLimits } from './core/place-hold.ts';
export { type FeedRound, type PriceProblem, QUOTE_LIFE } from './core/price.ts';
export {
  type ModelPrices,
  type RateCard,
  USAGE_UNITS,
  type Usage,
  type UsageUnit,
} from './core/rate-card.ts';
export type { Refusal } from './core/refusal.ts';
export { LIMIT_PERIODS } from './core/spending-limit.ts';
export { SUSPENSE_REASONS, type SuspenseReason } from './core/suspense-reason.ts';
export { CSV_FILES, type CsvExport, type ExportFile, exportCsv } from './exports/export-csv.ts';
export {
  type ExportOptions,
  exportJournal,
  type JournalExport,
  type JournalFormat,
} from './exports/export-journal.ts';
export type { AssignmentOutcome, AssignmentRefusal, ReceiptAssignment } from './intake/assign-receipt.ts';
export { describeRpcFailure, isRpcFailure } from './intake/chain-answers.ts';
export type { ClaimRefusal } from './intake/claim-payments.ts';
export type { IntakeWorker } from './intake/intake-worker.ts';
export type { OperatorPrice, OperatorPriceOutcome, OperatorPriceRefusal } from './intake/operator-price.ts';
export type { PendingPayment } from './intake/pending-payments.ts';
export { hasTraces } from './intake/trace-support.ts';
export type { TransactionStanding } from './intake/transaction-standing.ts';
export { createOperatorToken, createServiceToken } from './keys/access-tokens.ts';
export {
  type CredentialChange,
  GRACE_SECONDS_MAX,
  type KeyRefusal,
  type KeyStatus,
} from './keys/account-keys.ts';
export type { KeyHolder, ServiceIdentity, Spender } from './keys/authenticate.ts';
export type { CredentialNames } from './keys/credential-names.ts';
export { grantName, parseGrantName } from './keys/grant-name.ts';
export type { GrantRefusal, GrantStatus } from './keys/grants.ts';
export { isWellFormed, type Mode, SECRET_PREFIXES } from './keys/secret.ts';
export { SESSION_LIFE, type SessionHolder } from './keys/sessions.ts';
export type { LimitStatus, LimitTerms } from './keys/spending-limits.ts';
export { Ledger, type LedgerOptions, type OrderReceipt, openLedger } from './ledger.ts';
export type { Monitoring, Readiness } from './monitoring.ts';
export { makeTokenByHand } from './operators/service-tokens.ts';
export { Operators } from './operators.ts';
export type { CardOrderStatus } from './orders/card-order-status.ts';
export type { OrderRow } from './orders/find-order.ts';
export { type OrderProgress, orderProgress } from './orders/order-progress.ts';
export type { EthOrderStatus, OrderStatus } from './orders/order-status.ts';
export { referenceCalldata } from './orders/reference.ts';
export type { Outcome } from './posting/batch.ts';
export { OutcomeUnknownError, OverloadedError } from './posting/lane.ts';
export { isPassing } from './posting/passing-errors.ts';
export type { PostingObserver } from './posting/posting-observer.ts';
export type { PublishedRateCard } from './rates/rate-card-rows.ts';
export type { RateCardRefusal } from './rates/rates.ts';
export type { Credits, LotStatus } from './reads/credits.ts';
export type { LotMovement, MovementCursor } from './reads/lot-movements.ts';
export type { LotWithSource } from './reads/lots.ts';
export type { ActionCursor } from './reads/operator-actions.ts';
export type { OwnHold } from './reads/own-spends.ts';
export type { PaymentLot } from './reads/payment-lots.ts';
export type { PriceCursor } from './reads/price-records.ts';
export type { RecentReceipt } from './reads/recent-receipts.ts';
export type { StatementLine } from './reads/statement.ts';
export type { SuspendedReceipt, SuspenseCursor } from './reads/suspense.ts';
export { USAGE_GROUPS, USAGE_SPAN_MAX } from './reads/usage.ts';
export type { Difference } from './reconciliation/difference.ts';
export type { Figure, PartOutcome } from './reconciliation/part-outcome.ts';
export { type Reconciliation, reconcile } from './reconciliation/reconcile.ts';
export { reconciliationCsv } from './reconciliation/reconciliation-csv.ts';
export { reconciliationHtml } from './reconciliation/reconciliation-html.ts';
export { type Replayed, type ReplayOptions, replayJournal } from './replay/replay.ts';
export { type ScratchComparison, ScratchSchemaError } from './replay/scratch-copy.ts';
export { type DayOfRevenue, isTied, makeReport, type Report } from './reports/report.ts';
export { reportCsv } from './reports/report-csv.ts';
export { type RestoreOptions, restoreReceipts } from './restore-receipts.ts';
export { sealNewestMidnight } from './seals/daily-seal.ts';
export { makeSeal, type SealContext } from './seals/make-seal.ts';
export { proofJson, sealedEntryJson, sealJson } from './seals/proof-json.ts';
export { type BookProof, proveBook, readSealTree } from './seals/prove-book.ts';
export { type Publication, publishSeal, readPublication } from './seals/publish-seal.ts';
export { readDocument, readTotals } from './seals/seal-document.ts';
export { generateSealKey, readSealKey, type SealKey } from './seals/seal-key.ts';
export { SealRefusedError } from './seals/seal-refused-error.ts';
export { readNewestSeal, readSeal, readSealByHash, type SealRow } from './seals/seal-rows.ts';
export { readSealedJournal } from './seals/sealed-journal.ts';
export { type SealVerification, verifySeals } from './seals/verify-seals.ts';
export { Seals } from './seals.ts';
export { DEFAULT_HOLD_LIMITS } from './service-requests.ts';
export {
  checkInstallation,
  ensureInstallation,
  type Installation,
  InstallationMismatchError,
  type InstallationWanted,
  readInstallation,
} from './store/installation.ts';
export { instantText, parseInstant } from './store/instant-text.ts';
export { readLatestInstant } from './store/latest-instant.ts';
export { migrate, pendingMigrations } from './store/migrate.ts';
export type { PostedEntry } from './store/posted-entries.ts';
export { type DatabaseRole, openKysely, openPool, withServerSettings } from './store/postgres.ts';
export { describeSchema } from './store/schema-description.ts';
export type { MidnightJob } from './sweep/midnight-job.ts';
export type { AccountCredential, HolderRefusal } from './wallets/account-credential.ts';
export type { Site } from './wallets/challenge-message.ts';
export type { LinkRefusal, UnlinkRefusal, WalletLink } from './wallets/link-wallet.ts';
export type { ProofRefusal } from './wallets/prove-wallet.ts';
export type { AccountWallet } from './wallets/read-wallets.ts';
export type { RecoveryRefusal } from './wallets/recover-account.ts';
export { type ListedSender, SenderLists, type SenderObstacle } from './wallets/sender-lists.ts';
export type { ChallengeRefusal, ChallengeRequest } from './wallets/wallet-challenge.ts';
export type { Delivery, DeliveryCursor } from './webhooks/deliveries.ts';
export { ENDPOINTS_MAX, type Endpoint } from './webhooks/endpoints.ts';
export { WEBHOOK_EVENTS } from './webhooks/event.ts';
export { DELIVERY_PROBLEMS } from './webhooks/send.ts';
