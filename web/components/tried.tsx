// What came of trying something.
import type { JsonObject, Tried } from '../api/types.ts';
import { bytes, milliseconds } from '../format.ts';
import { t } from '../i18n/index.ts';
import { said } from '../i18n/said.ts';
import { isObject } from '../schema.ts';
import { Badge } from './badge.tsx';
import { Json, Text } from './json.tsx';

export function TriedResult({ tried }: { tried: Tried }) {
  const { result, error, timing } = tried;
  const failed = error !== undefined || result?.isError === true;
  return (
    <section class="tried" aria-label={t('tried.title')} aria-live="polite">
      <p class="badges">
        <Badge tone={failed ? 'bad' : 'good'}>
          {error !== undefined ? t('outcome.fault') : failed ? t('outcome.tool-error') : t('outcome.result')}
        </Badge>
        <span class="mute">
          {milliseconds(timing.queue + timing.connect + timing.upstream)}
          {tried.bytes !== undefined && ` · ${bytes(tried.bytes)}`}
          {timing.attempts > 1 && ` · ${t('calls.attempts', { n: timing.attempts })}`}
        </span>
      </p>
      {error !== undefined && <p>{said(error.message)}</p>}
      {texts(result).map((text, index) => (
        <Text key={index} text={text} label={t('tried.text')} />
      ))}
      {pictures(result).map((picture, index) => (
        <img key={index} src={picture} alt={t('tried.picture')} />
      ))}
      <details>
        <summary>{t('tried.whole')}</summary>
        <Json value={error ?? result} label={t('tried.whole')} />
      </details>
    </section>
  );
}

/** Contents of tools, resources and prompts. */
function parts(result: JsonObject | undefined): JsonObject[] {
  const of = (list: unknown): unknown[] => (Array.isArray(list) ? list : []);
  const all = [
    ...of(result?.content),
    ...of(result?.contents),
    ...of(result?.messages).map((one) => (one as { content?: unknown }).content),
  ];
  // An embedded resource holds what it is.
  return all.filter(isObject).map((part) => (isObject(part.resource) ? part.resource : part));
}

/** What a person reads first. */
function texts(result: JsonObject | undefined): string[] {
  return parts(result).flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
}

/** Pictures as addresses that hold them. */
function pictures(result: JsonObject | undefined): string[] {
  return parts(result).flatMap(({ mimeType, data, blob }) => {
    const bytes = data ?? blob;
    return /^image\/[\w.+-]+$/.test(String(mimeType)) && typeof bytes === 'string' && BASE64.test(bytes)
      ? [`data:${String(mimeType)};base64,${bytes}`]
      : [];
  });
}

const BASE64 = /^[\w+/=-]+$/;
