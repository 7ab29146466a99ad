/** Pass over `skip` bytes, then hand over the next `take`. */
export interface TarRequest {
  readonly skip: number
  readonly take: number
}

/**
 * What the driver answers: the bytes, fewer than asked for only where the input ends; or, where it ends
 * within what was to be skipped, the number of bytes that were missing.
 */
export type TarAnswer = Buffer | number
