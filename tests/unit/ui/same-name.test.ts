import { describe, expect, it } from 'vitest';
import { isSameName } from '../../../src/lib/ui/same-name';

describe('a name that is typed to be sure', () => {
  it('is the one on the screen, whatever quotes, dashes, spaces and case the keyboard has', () => {
    for (const typed of ["Pat's Updates – ward 4", 'pat’s  updates - Ward 4 ', 'Pat`s updates — ward 4', 'Pat\u00ad’s Updates – ward \u2060 4']) expect(isSameName(typed, 'Pat’s Updates – ward 4'), typed).toBe(true);
    for (const typed of ['', 'Pats Updates – ward 4', 'Pat’s Updates', 'Pat’s Updates – ward 5']) expect(isSameName(typed, 'Pat’s Updates – ward 4'), typed).toBe(false);
  });
});
