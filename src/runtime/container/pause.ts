import { LadingError } from '../../spec/errors.js'
import type { ControlGroup } from '../cgroup/control-group.js'
import { groupOf, runningProcess, statusOf } from './control.js'
import { type Container, reread } from './record.js'

const freezerOf = (container: Container): ControlGroup => {
  const group = groupOf(container)
  if (group) return group
  throw new LadingError(
    'UNSUPPORTED',
    `Cannot pause ${container.settings.name}: it has no control group, as an ordinary user's containers have none`,
  )
}

/** Stop all its processes where they are. Throws CONFLICT when it does not run or is paused. */
export const pauseContainer = async (container: Container): Promise<void> => {
  runningProcess(container)
  if ((await statusOf(reread(container))) === 'paused')
    throw new LadingError('CONFLICT', `Container ${container.settings.name} is already paused`)
  await freezerOf(container).freeze()
}

/** Let them go on. Throws CONFLICT when it is not paused. */
export const unpauseContainer = async (container: Container): Promise<void> => {
  if ((await statusOf(reread(container))) !== 'paused')
    throw new LadingError('CONFLICT', `Container ${container.settings.name} is not paused`)
  await freezerOf(container).thaw()
}

/** Run `work` while all its processes stand still, where they run: a tree that is read meanwhile is of one moment. */
export const withFrozen = async <Result>(
  container: Container,
  work: () => Promise<Result>,
): Promise<Result> => {
  const group = groupOf(container)
  if (group === undefined || (await statusOf(reread(container))) !== 'running') return work()
  await group.freeze()
  try {
    return await work()
  } finally {
    await group.thaw()
  }
}
