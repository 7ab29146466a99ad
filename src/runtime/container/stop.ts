import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { LadingError } from '../../spec/errors.js'
import { freezerOf, isOver, signalContainer, statusOf } from './control.js'
import { type Container, reread } from './record.js'
import { signalNumber } from './signals.js'

/** How long a container that was killed may take to be noted as ended, in milliseconds. */
const patience = 20_000

const untilOver = async (container: Container, milliseconds: number): Promise<boolean> => {
  const deadline = Date.now() + milliseconds
  for (let pause = 2; !isOver(container); pause = Math.min(pause * 2, 50)) {
    if (Date.now() >= deadline) return false
    await sleep(pause)
  }
  return true
}

/**
 * Ask it to end with its stop signal; kill it when it has not after `timeout` seconds (its own if absent, −1: wait for
 * ever). One that does not run is stopped already. Resolves when its end is noted.
 */
export const stopContainer = async (container: Container, timeout?: number): Promise<void> => {
  if (isOver(container)) return
  const { stopSignal, stopTimeout } = container.settings.process
  const seconds = timeout ?? stopTimeout
  await thawIfPaused(container)
  try {
    signalContainer(container, signalNumber(stopSignal))
  } catch (error) {
    if (!isNotRunning(error)) throw error
  }
  if (await untilOver(container, seconds < 0 ? Infinity : seconds * 1000)) return
  await killContainer(container)
}

/** Kill it, whatever it does; until its end is noted. One that does not run stays as it is. */
export const killContainer = async (container: Container): Promise<void> => {
  const deadline = Date.now() + patience
  while (!isOver(container)) {
    try {
      signalContainer(container, constants.signals.SIGKILL)
      await thawIfPaused(container)
    } catch (error) {
      // It is only about to run, or ending.
      if (!isNotRunning(error)) throw error
    }
    if (await untilOver(container, 200)) return
    if (Date.now() > deadline)
      throw new LadingError(
        'LOCKED',
        `Cannot kill ${container.settings.name}: its end was not noted within ${patience / 1000} seconds`,
      )
  }
}

/** Send one signal, as docker kill: SIGKILL when none is said. Throws CONFLICT when it does not run. */
export const killWith = async (container: Container, signal = 'KILL'): Promise<void> => {
  const number = signalNumber(signal)
  signalContainer(container, number)
  if (number !== constants.signals.SIGKILL) return
  // The kernel kills what is frozen when it goes on.
  await thawIfPaused(container)
  await untilOver(container, patience)
}

const isNotRunning = (error: unknown): boolean =>
  error instanceof LadingError && ['CONFLICT', 'NOT_FOUND'].includes(error.code)

const thawIfPaused = async (container: Container): Promise<void> => {
  if (isOver(container) || (await statusOf(reread(container))) !== 'paused') return
  try {
    await freezerOf(reread(container)).thaw()
  } catch (error) {
    // With its last process the group goes.
    if (!isOver(container)) throw error
  }
}
