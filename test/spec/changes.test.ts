import test from 'ava'
import { expand, splitWords } from '../../src/spec/change-words.js'
import { applyChanges } from '../../src/spec/changes.js'
import type { JsonObject } from '../../src/spec/json.js'

const plain = (value: unknown) => JSON.parse(JSON.stringify(value))
const base: JsonObject = {
  ...{ Env: ['PATH=/bin', 'A=1'], Cmd: ['old'], WorkingDir: '/w', Labels: { keep: 'x', drop: 'y' } },
  ...{
    ExposedPorts: { '80/tcp': {}, '81/tcp': {} },
    Volumes: { '/a': {}, '/b c': {} },
    Unknown: { kept: true },
  },
}

const cases: readonly (readonly [change: string, fields: object])[] = [
  ['CMD ["a","b c"]', { Cmd: ['a', 'b c'] }],
  ['cmd echo $A "b"', { Cmd: ['/bin/sh', '-c', 'echo $A "b"'] }],
  ['ENTRYPOINT ["/e"]', { Entrypoint: ['/e'] }],
  ['ENV B=2', { Env: ['PATH=/bin', 'A=1', 'B=2'] }],
  ['ENV A=2 C="x y" D=a\\ b E=\'$A\'', { Env: ['PATH=/bin', 'A=2', 'C=x y', 'D=a b', 'E=$A'] }],
  ['ENV A the rest of it', { Env: ['PATH=/bin', 'A=the rest of it'] }],
  ['ENV B=${A}0 C=${NO:-none} D=$NO', { Env: ['PATH=/bin', 'A=1', 'B=10', 'C=none', 'D='] }],
  ['ENV B=a=b', { Env: ['PATH=/bin', 'A=1', 'B=a=b'] }],
  [
    'EXPOSE 90 91/udp 8000-8001',
    {
      ExposedPorts: {
        ...(base.ExposedPorts as object),
        '90/tcp': {},
        '91/udp': {},
        '8000/tcp': {},
        '8001/tcp': {},
      },
    },
  ],
  [
    'HEALTHCHECK --interval=1m30s --retries=3 CMD curl x',
    { Healthcheck: { Test: ['CMD-SHELL', 'curl x'], Interval: 90e9, Retries: 3 } },
  ],
  ['HEALTHCHECK --start-period=500ms CMD ["a"]', { Healthcheck: { Test: ['CMD', 'a'], StartPeriod: 5e8 } }],
  ['HEALTHCHECK NONE', { Healthcheck: { Test: ['NONE'] } }],
  ['LABEL "a b"="c d" e=f', { Labels: { ...(base.Labels as object), 'a b': 'c d', e: 'f' } }],
  ['ONBUILD RUN x', { OnBuild: ['RUN x'] }],
  ['STOPSIGNAL SIGUSR1', { StopSignal: 'SIGUSR1' }],
  ['USER $A:0', { User: '1:0' }],
  [
    'VOLUME /data "/with space"',
    { Volumes: { ...(base.Volumes as object), '/data': {}, '/with space': {} } },
  ],
  ['VOLUME ["/x y"]', { Volumes: { ...(base.Volumes as object), '/x y': {} } }],
  ['WORKDIR rel', { WorkingDir: '/w/rel' }],
  ['WORKDIR /abs', { WorkingDir: '/abs' }],
  ['UNSET ENV A', { Env: ['PATH=/bin'] }],
  ['UNSET CMD', { Cmd: undefined }],
  ['UNEXPOSE 80', { ExposedPorts: { '81/tcp': {} } }],
  ['UNLABEL drop', { Labels: { keep: 'x' } }],
  ['UNVOLUME "/b c"', { Volumes: { '/a': {} } }],
]
for (const [change, fields] of cases)
  test(`applyChanges: ${change}`, t =>
    t.deepEqual(plain(applyChanges(base, [change])), plain({ ...base, ...fields })))

test('applyChanges: one after the other, and the config that was given stays as it was', t => {
  t.deepEqual(plain(applyChanges({}, ['ENV A=1', 'ENV B=$A$A', 'WORKDIR a', 'WORKDIR b'])), {
    Env: ['A=1', 'B=11'],
    WorkingDir: '/a/b',
  })
  const before = plain(base)
  applyChanges(
    base,
    cases.map(([change]) => change),
  )
  t.deepEqual(plain(base), before)
})

test('applyChanges: what is wrong is named', t => {
  for (const bad of [
    'RUN x',
    '',
    'ENV',
    'ENV A',
    'ENV =x',
    'EXPOSE x',
    'EXPOSE 70000',
    'LABEL "a',
    'HEALTHCHECK x',
    'HEALTHCHECK --interval=x CMD y',
    'UNSET',
    'UNSET NOTHING',
    '__proto__ x',
  ])
    t.throws(() => applyChanges(base, [bad]), { code: 'USAGE', message: /^Bad change / }, bad)
})

test('splitWords and expand: quotes group, backslashes protect, single quotes keep everything', t => {
  t.deepEqual(splitWords(`a "b c" d\\ e 'f "g'`), ['a', '"b c"', 'd\\ e', `'f "g'`])
  const environment = new Map([['A', '1']])
  t.is(expand(`"$A"'$A'\\$A\${A:+set}`, environment), '1$A$Aset')
})
