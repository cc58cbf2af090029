/**
 * Columns of many rows as parameters of a statement, each an array. They travel as PostgreSQL keeps them (its array_recv
 * and the receive functions of the elements' types), so that neither side writes or reads digits: as text they took a
 * sixth of PostgreSQL's time with a batch.
 */
import type { Instant } from '../core/instant.ts';

export type Element = bigint | number | string | boolean | Uint8Array | null;

/** The object identifiers of PostgreSQL's own types, which never change (pg_type.dat). */
const OID = {
  boolean: 16,
  bytea: 17,
  bigint: 20,
  smallint: 21,
  integer: 23,
  text: 25,
  timestamptz: 1184,
  uuid: 2950,
};

/** 2000-01-01T00:00:00Z, from which PostgreSQL counts its microseconds. */
const POSTGRES_EPOCH: Instant = 946_684_800_000_000n;

/** Dimensions, whether there are nulls, the type, the length, the number of the first. */
const HEADER_BYTES = 20;
const NULL_LENGTH = -1;

/**
 * An array of `elements` for a parameter of type `type[]`. Elements are bigint for `bigint`, an instant for `timestamptz`,
 * numbers for `smallint` and `integer`, 32 hex digits for `uuid`, bytes for `bytea`. Those of other types travel as text, and
 * must be such as need no quotes: numbers, and names of kinds.
 * Throws where a number does not fit the type.
 */
export function arrayParameter(type: string, elements: readonly Element[]): Buffer | string {
  // A statement has dozens of columns, and a small batch leaves most of them empty.
  if (elements.length === 0) return '{}';
  switch (type) {
    case 'bigint':
      return bigintArray(elements as readonly (bigint | null)[], OID.bigint, 0n);
    case 'timestamptz':
      return bigintArray(elements as readonly (Instant | null)[], OID.timestamptz, POSTGRES_EPOCH);
    case 'smallint':
      return integerArray(elements as readonly (number | null)[], OID.smallint, 2);
    case 'integer':
      return integerArray(elements as readonly (number | null)[], OID.integer, 4);
    case 'boolean':
      return integerArray(elements as readonly (number | null)[], OID.boolean, 1);
    case 'uuid':
      return digestArray(elements as readonly (string | null)[]);
    case 'bytea':
      return bytesArray(elements as readonly (Uint8Array | null)[], OID.bytea);
    case 'text':
      return bytesArray(
        (elements as readonly (string | null)[]).map(text => (text === null ? null : Buffer.from(text))),
        OID.text,
      );
    default:
      return arrayText(elements);
  }
}

/** An array as PostgreSQL reads it (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO), of such as need no quotes. */
export function arrayText(elements: readonly Element[]): string {
  return `{${elements.map(element => element ?? 'NULL').join()}}`;
}

function bigintArray(elements: readonly (bigint | null)[], oid: number, origin: bigint): Buffer {
  return arrayOf(oid, elements, elements.length * 8, (view, at, element) => {
    const value = element - origin;
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${element} is not a 64-bit integer`);
    view.setBigInt64(at, value);
    return 8;
  });
}

function integerArray(elements: readonly (number | null)[], oid: number, size: 1 | 2 | 4): Buffer {
  return arrayOf(oid, elements, elements.length * size, (view, at, element, array) => {
    if (size === 1) view.setInt8(at, Number(element));
    else if (size === 2) array.writeInt16BE(element, at);
    else array.writeInt32BE(element, at);
    return size;
  });
}

/** PostgreSQL's uuid is 16 bytes without a header. */
function digestArray(elements: readonly (string | null)[]): Buffer {
  return arrayOf(OID.uuid, elements, elements.length * 16, (_view, at, element, array) => {
    if (array.write(element, at, 16, 'hex') !== 16 || element.length !== 32)
      throw new RangeError(`not 32 hex digits: ${element}`);
    return 16;
  });
}

function bytesArray(elements: readonly (Uint8Array | null)[], oid: number): Buffer {
  let size = 0;
  for (const element of elements) size += element?.length ?? 0;
  return arrayOf(oid, elements, size, (_view, at, element, array) => {
    array.set(element, at);
    return element.length;
  });
}

/**
 * @param size The bytes of all elements at the most, without their lengths.
 * @param put Writes an element at a place and returns how many bytes it has.
 */
function arrayOf<Value extends Element>(
  oid: number,
  elements: readonly (Value | null)[],
  size: number,
  put: (view: DataView, at: number, element: Value, array: Buffer) => number,
): Buffer {
  const array = Buffer.allocUnsafe(HEADER_BYTES + elements.length * 4 + size);
  const view = viewOf(array);
  view.setInt32(0, 1);
  view.setInt32(4, 1);
  view.setInt32(8, oid);
  view.setInt32(12, elements.length);
  view.setInt32(16, 1);
  let at = HEADER_BYTES;
  for (const element of elements) {
    const length = element === null ? NULL_LENGTH : put(view, at + 4, element, array);
    view.setInt32(at, length);
    at += 4 + Math.max(length, 0);
  }
  return array.subarray(0, at);
}

/** Its bigints are several times as fast as those of Buffer. */
function viewOf(array: Buffer): DataView {
  return new DataView(array.buffer, array.byteOffset, array.byteLength);
}
