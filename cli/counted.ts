/** So many of something, in words: `1 book`, `2 entries`. */
export function counted(number: number, one: string, more = `${one}s`): string {
  return `${number} ${number === 1 ? one : more}`;
}

/** What was made of an archive, with its verb: `1 book with 2 entries was`. */
export function booksText({ books, entries }: { readonly books: number; readonly entries: number }): string {
  return `${counted(books, 'book')} with ${counted(entries, 'entry', 'entries')} ${books === 1 ? 'was' : 'were'}`;
}
