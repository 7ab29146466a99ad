/** Of each ability nothing where it is there, else why it is not, in a few words. */
export interface RootfsAbilities {
  readonly erofsFile?: string
  readonly erofsLoop?: string
  readonly overlay?: string
}
