import { describe, expect, it } from 'vitest';
import { parseRecord, type SeenRecord } from '$lib/care/record';
import { inRecords } from '$lib/core/seen-marks';

const record = (m: SeenRecord['m']) => ({ i: 'A'.repeat(22), t: 'seen', a: 1, m });

describe('marks of what was seen', () => {
  it('are made one where they touch or overlap', () => {
    expect(inRecords([[1, 1, 3], [2, 4, 4], [1, 4, 6], [1, 9, 9], [1, 5, 5]])).toEqual([[[1, 1, 6], [1, 9, 9], [2, 4, 4]]]);
    expect(inRecords([])).toEqual([]);
  });
  it('that are more than one record holds are said in several, and none is lost', () => {
    const marks = Array.from({ length: 1_100 }, (_, i): SeenRecord['m'][number] => [3, 2 * i + 1, 2 * i + 1]);
    const records = inRecords(marks);
    expect(records.flat()).toEqual(marks);
    expect(records.map((m) => parseRecord(record(m)) !== null)).toEqual([true, true, true]);
    expect(parseRecord(record(marks))).toBeNull();
  });
});
