import { fstatSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { ResolvedUser } from '../users.js'

/**
 * Whether a program may get a descriptor of ours as it is. Not a terminal, which a container has no business to hold; not
 * a socket, which nobody can open by its name, /dev/stdout; not for another user than root, who could not open what is ours either.
 */
export const mayPassOn = (descriptor: number, user: Pick<ResolvedUser, 'uid'>): boolean =>
  user.uid === 0 && !isatty(descriptor) && !fstatSync(descriptor).isSocket()
