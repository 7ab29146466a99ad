/**
 * The one parser for JSON that comes from outside. JSON.parse would do the values, but it hides what an
 * attacker needs hidden: the second of two equal keys (two readers, two meanings), a `__proto__` that later
 * lands in a prototype, bytes that are not UTF-8, a nesting that kills whoever walks it. So this is a plain
 * recursive descent over the text, its depth bounded by limits.jsonDepth, its keys by limits.jsonKeys; objects
 * have no prototype, so a field that is absent is absent.
 */
import { LadingError } from './errors.js'
import { limits } from './limits.js'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [key: string]: JsonValue | undefined
}

export interface ParseOptions {
  /** What the document is, for messages: `manifest.json`, `config sha256:…`. */
  readonly what: string
  /** Bytes above which it is not looked at. */
  readonly maxBytes: number
  /** RFC 8259 lets an object say a key twice; no image document may. */
  readonly duplicates?: 'reject' | 'last'
}

/** The value of a JSON text. Throws BAD_JSON with line and column, LIMIT_EXCEEDED for size, depth and keys. */
export const parseJson = (bytes: Uint8Array, options: ParseOptions): JsonValue => {
  const { what, maxBytes } = options
  if (bytes.length > maxBytes)
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Cannot read ${what}: ${bytes.length} bytes, at most ${maxBytes} are allowed`,
      {
        data: { what, found: bytes.length, limit: maxBytes },
      },
    )
  return new Parser(decode(bytes, what), options).document()
}

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const decode = (bytes: Uint8Array, what: string): string => {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    throw new LadingError(
      'BAD_JSON',
      `Cannot read ${what}: it begins with a byte order mark, which JSON may not have`,
    )
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw new LadingError('BAD_JSON', `Cannot read ${what}: it is UTF-16, JSON is UTF-8`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new LadingError('BAD_JSON', `Cannot read ${what}: it is not UTF-8`, { cause })
  }
}

const numberGrammar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: raw control characters are what JSON strings may not hold
const plainGrammar = /[^"\\\x00-\x1f]*/y
const spaceGrammar = /[ \t\n\r]*/y
const escapes: Readonly<Record<string, string>> = {
  ...{ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' },
}

class Parser {
  readonly #text: string
  readonly #options: ParseOptions
  #at = 0
  #keys = 0

  constructor(text: string, options: ParseOptions) {
    this.#text = text
    this.#options = options
  }

  document(): JsonValue {
    const value = this.#value(0)
    this.#space()
    if (this.#at < this.#text.length) throw this.#wrong('the end')
    return value
  }

  #value(depth: number): JsonValue {
    if (depth > limits.jsonDepth) throw this.#limit(`nests deeper than ${limits.jsonDepth}`)
    this.#space()
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    if (first === '"') return this.#string()
    for (const [word, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const)
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length
        return value
      }
    const number = this.#match(numberGrammar)
    if (number === '') throw this.#wrong('a value')
    return Number(number)
  }

  #object(depth: number): JsonObject {
    const object: Record<string, JsonValue> = Object.create(null)
    this.#list('}', () => {
      this.#space()
      if (this.#text[this.#at] !== '"') throw this.#wrong('a key')
      const key = this.#string()
      if (this.#options.duplicates !== 'last' && key in object)
        throw this.#bad(`the key ${JSON.stringify(key)} stands twice in one object`)
      if (++this.#keys > limits.jsonKeys) throw this.#limit(`has more than ${limits.jsonKeys} keys`)
      this.#space()
      this.#expect(':')
      object[key] = this.#value(depth + 1)
    })
    return object
  }

  #array(depth: number): JsonValue[] {
    const array: JsonValue[] = []
    this.#list(']', () => array.push(this.#value(depth + 1)))
    return array
  }

  #list(close: string, item: () => void): void {
    this.#at++
    this.#space()
    if (this.#text[this.#at] === close) {
      this.#at++
      return
    }
    for (;;) {
      item()
      this.#space()
      if (this.#text[this.#at] === close) break
      this.#expect(',')
    }
    this.#at++
  }

  #string(): string {
    this.#at++
    let value = ''
    for (;;) {
      value += this.#match(plainGrammar)
      const stop = this.#text[this.#at]
      if (stop === '"') break
      if (stop !== '\\') throw this.#wrong('a string character')
      value += this.#escape()
    }
    this.#at++
    return value
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? ''
    if (letter === 'u') {
      const hex = this.#text.slice(this.#at + 2, this.#at + 6)
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#wrong('four hex digits')
      this.#at += 6
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    const plain = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined
    if (plain === undefined) throw this.#wrong('an escape')
    this.#at += 2
    return plain
  }

  #match(grammar: RegExp): string {
    grammar.lastIndex = this.#at
    const found = grammar.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #space(): void {
    this.#match(spaceGrammar)
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#wrong(JSON.stringify(character))
    this.#at++
  }

  #wrong(wanted: string): LadingError {
    const found = this.#text[this.#at]
    return this.#bad(`found ${found === undefined ? 'the end' : JSON.stringify(found)}, wanted ${wanted}`)
  }

  #bad(problem: string): LadingError {
    const before = this.#text.slice(0, this.#at).split('\n')
    const place = { line: before.length, column: before.at(-1)!.length + 1 }
    return new LadingError(
      'BAD_JSON',
      `Cannot read ${this.#options.what}: ${problem} at line ${place.line}, column ${place.column}`,
      { data: { what: this.#options.what, ...place } },
    )
  }

  #limit(problem: string): LadingError {
    return new LadingError('LIMIT_EXCEEDED', `Cannot read ${this.#options.what}: it ${problem}`)
  }
}
