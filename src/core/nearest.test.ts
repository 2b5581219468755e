import { expect, test } from 'vitest';
import { editDistance, nearest } from './nearest.ts';

test('a swap of neighbours is one edit, and the limit ends the work', () => {
  expect(editDistance('raed', 'read')).toBe(1);
  expect(editDistance('kitten', 'sitting')).toBe(3);
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('abcdef', 'uvwxyz', 2)).toBe(3);
});

test('the names that look most like it, best first; none when nothing does', () => {
  const names = ['read_file', 'read_text_file', 'write_file', 'list_directory', 'search'];
  expect(nearest('readFile', names)[0]).toBe('read_file');
  expect(nearest('raed_file', names)[0]).toBe('read_file');
  expect(nearest('file', names)).toContain('write_file');
  expect(nearest('zzzzzz', names)).toEqual([]);
  expect(nearest('', names)).toEqual([]);
});

test('names of 300 characters and of other scripts take no time', () => {
  const names = Array.from({ length: 1300 }, (_, index) => `${'x'.repeat(300)}${index}`);
  const start = performance.now();
  nearest('y'.repeat(300), names);
  nearest('文件', [...names, '读文件']);
  expect(performance.now() - start).toBeLessThan(5_000);
  expect(nearest('文件管理', ['文件管理器', '天气'])).toEqual(['文件管理器']);
});
