/** Pass over `skip` bytes, then hand over the next `take`. */
export interface TarRequest {
  readonly skip: number
  readonly take: number
  /** The next entry may begin there, and no header has said anything of it: the place for the fast lane (plain-lane.ts). */
  readonly fresh?: boolean
}

/**
 * What the driver answers: the bytes, which need to last until the next request only, fewer than asked for only where the input ends; or, where it ends
 * within what was to be skipped, the number of bytes that were missing.
 */
export type TarAnswer = Buffer | number
