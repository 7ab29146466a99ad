import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { containersPlaces } from '../../src/runtime/container/places.js'
import { containerOpener } from '../../src/runtime/snapshot/container-opener.js'
import { exportSnapshot } from '../../src/verbs/export.js'
import { type ContainerHost, noContainers, openHost, writeAppImage } from '../helpers/container-host.js'
import { type Engine, noEngine, startEngine } from '../helpers/engine.js'
import { attemptLater, run } from '../helpers/programs.js'

const reason = noContainers ?? noEngine
const check = reason === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (reason === undefined ? title : `${title} [skipped: ${reason}]`)

let host: ContainerHost
let engine: Engine
test.before(async () => {
  if (reason !== undefined) return
  host = openHost('snap-writing')
  engine = await startEngine()
  const image = join(host.folder, 'app.tar')
  await writeAppImage(image)
  host.done('load', '-i', image)
})
test.after.always(async () => {
  await host?.close()
  await engine?.stop()
})

/**
 * Two files of 60,000 digits, each the number of the round: `first` is replaced before `second`, and the log says the
 * round when both are. So `second` is `first` or one less, the log is `second` or one less, and neither is ever shorter.
 */
const program = `cd /srv; n=0; while :; do n=$((n+1))
printf %060000d $n >new; mv new first
printf %060000d $n >new; mv new second
echo $n >>log; done`

interface Moment {
  readonly first: number
  readonly second: number
  readonly log: number
}

const momentOf = (tar: string): Moment => {
  const [first, second, log] = ['first', 'second', 'log'].map(name =>
    run('tar', ['-xOf', tar, `srv/${name}`]),
  ) as [string, string, string]
  const number = (text: string): number => {
    if (!/^\d{60000}$/.test(text)) throw new Error(`A torn file of ${text.length} bytes`)
    return Number(text)
  }
  const lines = log.split('\n').slice(0, -1).map(Number)
  if (lines.some((line, index) => line !== index + 1)) throw new Error('A torn log')
  return { first: number(first), second: number(second), log: lines.length }
}

check(
  titled(
    'export: 50 of a container that writes all the time are each of one moment, and docker imports them',
  ),
  async t => {
    host.done('run', '-d', '--name', 'busy', '--network', 'none', 'app:1', 'sh', '-c', program)
    while (host.lading('exec', 'busy', 'test', '-e', '/srv/log').status !== 0);
    const containers = containerOpener(containersPlaces(host.store))
    const moments: Moment[] = []
    let imported: Promise<unknown> = Promise.resolve()
    for (let round = 0; round < 50; round++) {
      const output = join(host.folder, `${round % 2}.tar`)
      const { losses } = await exportSnapshot({
        ...{ place: 'container:busy', storeDirectory: host.store, containers, output },
        bare: round % 5 === 0,
      })
      t.true(losses.every(({ what }) => what !== 'socket'))
      const moment = momentOf(output)
      moments.push(moment)
      const { first, second, log } = moment
      t.true(first - second >= 0 && first - second <= 1, JSON.stringify(moment))
      t.true(second - log >= 0 && second - log <= 1, JSON.stringify(moment))
      // While the next is written.
      await imported
      imported = attemptLater('docker', ['import', '-', `busy:${round}`], {
        input: readFileSync(output),
        env: engine.env,
      }).then(({ status, stderr }) => t.is(status, 0, stderr))
    }
    await imported
    for (const [index, { log }] of moments.slice(1).entries())
      t.true(log > moments[index]!.log, 'it wrote in between')
    t.is(run('docker', ['images', '-q', 'busy'], { env: engine.env }).trim().split('\n').length, 50)
    t.notRegex(host.done('ps'), /Paused/)
  },
)
