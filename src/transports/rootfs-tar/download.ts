import { get as getPlain, type IncomingMessage } from 'node:http'
import { get as getSecure } from 'node:https'
import type { ByteStream } from '../../bytes/byte-stream.js'
import { LadingError } from '../../spec/errors.js'

export interface Download {
  readonly stream: ByteStream
  /** As the server announces it. */
  readonly size?: number
}

export const isUrl = (text: string): boolean => /^https?:\/\//i.test(text)

/** As many as browsers' first generation followed; a loop is more. */
const mostRedirects = 5

/**
 * What a web server has under `url`, as it sends it: nothing is decoded on the way. Redirections are followed,
 * but not from https to http. Throws BAD_PLACE, NOT_FOUND with the server's status, TRUNCATED when the
 * connection breaks.
 */
export const download = async (url: string, redirects = 0): Promise<Download> => {
  if (!URL.canParse(url)) throw new LadingError('BAD_PLACE', `Bad URL ${JSON.stringify(url)}`)
  const response = await request(url)
  const { statusCode = 0, headers } = response
  if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
    response.resume()
    const next = new URL(headers.location, url).href
    if (redirects === mostRedirects || (url.startsWith('https:') && !next.startsWith('https:')))
      throw new LadingError('NOT_FOUND', `${url} leads on to ${next}, which is not followed`)
    return download(next, redirects + 1)
  }
  if (statusCode !== 200) {
    response.resume()
    throw new LadingError('NOT_FOUND', `Cannot get ${url}: the server answers ${statusCode}`, {
      data: { status: statusCode },
    })
  }
  const size = Number(headers['content-length'] ?? Number.NaN)
  return { stream: bodyOf(response, url), ...(Number.isSafeInteger(size) && { size }) }
}

const request = (url: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const get = /^https:/i.test(url) ? getSecure : getPlain
    get(url, { headers: { 'accept-encoding': 'identity' } }, resolve).on('error', cause =>
      reject(
        new LadingError(
          'NOT_FOUND',
          `Cannot get ${url}: ${cause.message || (cause as NodeJS.ErrnoException).code}`,
          { cause },
        ),
      ),
    )
  })

async function* bodyOf(response: IncomingMessage, url: string): ByteStream {
  try {
    yield* response
  } catch (cause) {
    throw new LadingError('TRUNCATED', `The connection to ${url} broke`, { cause })
  }
}
