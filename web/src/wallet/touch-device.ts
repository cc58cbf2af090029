/** Whether this is a phone or a tablet, as far as a page can tell. */
export function isTouchDevice(): boolean {
  return matchMedia('(pointer: coarse)').matches;
}
