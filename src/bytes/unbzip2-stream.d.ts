declare module 'unbzip2-stream' {
  /** A stream of the Node 0.x kind: `write` decodes at once. */
  interface OldStream extends NodeJS.EventEmitter {
    write(chunk: Buffer): boolean
    end(): void
  }
  const unbzip2: () => OldStream
  export default unbzip2
}
