/** DATABASE_URL. Throws when it is not set. */
export function databaseUrl(): string {
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error("DATABASE_URL is not set: set it to the database, as its owner's.");
  return url;
}
