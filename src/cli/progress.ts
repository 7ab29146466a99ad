import { MultiBar, type SingleBar } from 'cli-progress'
import type { Progress } from '../bytes/progress.js'
import { formatSize } from './format.js'

/** Nothing is drawn for what is done at once. */
const patience = 200

/** Bars with rate and remaining time on the terminal. */
export const barProgress = (): Progress => {
  let bars: MultiBar | undefined
  let open = 0
  const draw = (label: string, total: number | undefined, done: number): SingleBar => {
    bars ??= new MultiBar({
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      etaBuffer: 50,
      format: (options, { value, startTime }, { label, known }) => {
        const seconds = Math.max(0.001, (Date.now() - startTime) / 1000)
        const rate = value / seconds
        const speed = `${formatSize(Math.round(rate))}/s`
        if (known === undefined) return `${label} ${formatSize(value)} ${speed}`
        const width = options.barsize ?? 40
        const filled = Math.min(width, Math.round((value / Math.max(1, known)) * width))
        const left = rate > 0 ? `${Math.ceil((known - value) / rate)}s left` : ''
        return `${label} [${'='.repeat(filled)}${' '.repeat(width - filled)}] ${formatSize(value)} of ${formatSize(known)} ${speed} ${left}`
      },
    })
    return bars.create(total ?? 0, done, { label, known: total })
  }
  return {
    begin: (label, total) => {
      open++
      let bar: SingleBar | undefined
      let done = 0
      const started = Date.now()
      return {
        advance: bytes => {
          done += bytes
          if (bar) bar.update(done)
          else if (Date.now() - started > patience) bar = draw(label, total, done)
        },
        end: () => {
          bar?.stop()
          if (--open === 0) bars?.stop()
        },
      }
    },
  }
}

/** A line at the beginning and the end of each piece of work: for logs. */
export const plainProgress = (): Progress => ({
  begin: (label, total) => {
    let done = 0
    const started = Date.now()
    process.stderr.write(`${label}${total === undefined ? '' : ` ${formatSize(total)}`}\n`)
    return {
      advance: bytes => {
        done += bytes
      },
      end: () => {
        process.stderr.write(
          `${label} done: ${formatSize(done)} in ${((Date.now() - started) / 1000).toFixed(1)}s\n`,
        )
      },
    }
  },
})

/** JSON lines `{task, done, total?, ended?}`, at most ten a second each: for programs. */
export const jsonProgress = (): Progress => ({
  begin: (task, total) => {
    let done = 0
    let told = 0
    const tell = (ended?: true) =>
      process.stderr.write(
        `${JSON.stringify({ task, done, ...(total !== undefined && { total }), ...(ended && { ended }) })}\n`,
      )
    tell()
    return {
      advance: bytes => {
        done += bytes
        if (Date.now() - told < 100) return
        told = Date.now()
        tell()
      },
      end: () => {
        tell(true)
      },
    }
  },
})
