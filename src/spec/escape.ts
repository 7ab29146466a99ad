// Whatever a terminal takes for a command or shows as something else: C0, DEL, C1, line and paragraph
// separators, bidirectional controls, zero-width and tag characters, lone surrogates.
const dangerous =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|\udb40[\udc00-\udc7f]/g

/**
 * Foreign text as it may be shown: what a terminal would act on, and bytes that are not UTF-8, become
 * visible escapes (`\x1b`, `\u202e`). A backslash that is there stays one.
 */
export const visible = (text: string | Uint8Array): string =>
  (typeof text === 'string' ? text : decode(text)).replace(dangerous, match =>
    [...Array(match.length).keys()].map(at => escapeUnit(match.charCodeAt(at))).join(''),
  )

const escapeUnit = (unit: number): string =>
  unit === 0x0a
    ? '\\n'
    : unit === 0x09
      ? '\\t'
      : unit === 0x0d
        ? '\\r'
        : unit < 0x100
          ? `\\x${unit.toString(16).padStart(2, '0')}`
          : `\\u${unit.toString(16).padStart(4, '0')}`

const decode = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    // Not UTF-8: what is ASCII stays readable, every other byte is an escape.
    return Buffer.from(bytes)
      .toString('latin1')
      .replace(/[\x80-\xff]/g, byte => `\\x${byte.charCodeAt(0).toString(16)}`)
  }
}
