/** Run a program in an image, and make an image of what it has changed. `node run-and-commit.js ARCHIVE STORE NAME PROGRAM [ARGUMENT…]` */
import { resolve } from 'node:path'
import {
  commitContainer,
  containersPlaces,
  createContainer,
  removeContainer,
  runInForeground,
} from '../src/index.js'

const [, , reference = '-', directory = 'store', name = '', ...command] = process.argv
const { container, image } = await createContainer({
  ...{ all: containersPlaces(resolve(directory)), reference, watched: true },
  flags: { command, network: 'none' },
})
try {
  const { exitCode } = await runInForeground(container, { image })
  if (exitCode === 0) console.log(`${name}: ${(await commitContainer(container, { name })).id}`)
  process.exitCode = exitCode
} finally {
  await image[Symbol.asyncDispose]()
  await removeContainer(container, { force: true, volumes: true })
}
