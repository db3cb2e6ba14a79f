import type { Timestamp } from '@bufbuild/protobuf/wkt';

const SECONDS_A_DAY = 86_400;
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
const DATE_LENGTH = '2026-01-31'.length;

/** The times of an answer are mostly of one day: its date is kept, because `toISOString` costs ten times the rest. */
let last = { day: Number.NaN, date: '' };

/** RFC 3339 in UTC with as many digits of a second as needed: none, three, six or nine. */
export function timestampText({ seconds, nanos }: Timestamp): string {
  const total = Number(seconds);
  const day = Math.floor(total / SECONDS_A_DAY);
  if (last.day !== day) last = { day, date: dateOf(day) };
  const rest = total - day * SECONDS_A_DAY;
  const hours = TWO_DIGITS[Math.floor(rest / 3600)];
  const minutes = TWO_DIGITS[Math.floor(rest / 60) % 60];
  return `${last.date}T${hours}:${minutes}:${TWO_DIGITS[rest % 60]}${fraction(nanos)}Z`;
}

function dateOf(day: number): string {
  const [date = ''] = new Date(day * SECONDS_A_DAY * 1000).toISOString().split('T');
  if (date.length !== DATE_LENGTH) throw new RangeError('a time must be of the years 0 to 9999');
  return date;
}

function fraction(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  if (nanos % 1_000_000 === 0) return `.${digits.slice(0, 3)}`;
  return `.${nanos % 1_000 === 0 ? digits.slice(0, 6) : digits}`;
}
