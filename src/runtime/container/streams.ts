import type { Terminal } from './terminal.js'
import type { WatchOptions } from './watch.js'

/** What stands between a program in the foreground and our own input and output. */
export interface Streams {
  readonly watch: Pick<WatchOptions, 'stdio' | 'terminal'>
  connect(running: { readonly terminal?: Terminal }): void
  /** When everything that was said has been passed on. */
  done(): Promise<void>
  restore(): void
}
