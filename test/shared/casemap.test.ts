/** i;unicode-casemap (RFC 5051). */
import { expect, test } from 'vitest';
import { casemap } from '../../shared/casemap.ts';

test('case does not matter, in any script', () => {
  expect(casemap('plain')).toBe(casemap('PLAIN'));
  expect(casemap('привет')).toBe(casemap('ПРИВЕТ'));
  expect(casemap('ΣΊΣΥΦΟΣ')).toBe(casemap('σίσυφος'));
});

test('composed and decomposed letters are the same, and the letter is found in them', () => {
  expect(casemap('caf\u00e9')).toBe(casemap('CAFE\u0301'));
  expect(casemap('Café au lait')).toContain(casemap('cafe'));
  expect(casemap('ＡＢＣ')).toBe('ABC');
});

test('a letter without a capital of its own stays one letter', () => {
  expect(casemap('Straße')).toBe('STRAßE');
  expect(casemap('Straße')).not.toContain('SS');
});
