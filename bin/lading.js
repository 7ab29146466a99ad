#!/usr/bin/env node
/**
 * Starts the command line: its bundle, with the code that V8 made of it when it was built, which takes a fifth
 * of the time of the modules in dist/src that it is made of. A Node of another version than that of the build
 * leaves that code aside and compiles the bundle anew. Those modules themselves run for --debug, whose stack
 * traces are to name sources, and in a clone in which `tsc` alone was run since the bundle was made.
 *
 * CommonJS, as bin/package.json says: the loader of modules alone takes 5 ms to be there.
 */
const { readFileSync, statSync } = require('node:fs')
const { join } = require('node:path')
const { Script } = require('node:vm')

const folder = join(__dirname, '../dist')
const bundle = join(folder, 'lading.cjs')
/** What makes the bundle: each build writes it anew before the bundle; the package does not have it. */
const maker = join(folder, 'bin/bundle.mjs')

const timeOf = file => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Commands for which other code was kept. */
const forContainers = /^(run|create|start|exec)$/

const loadBundle = words => {
  const code = words.some(word => forContainers.test(word)) ? 'containers.code' : 'lading.code'
  // It is ASCII, which is read as it is.
  const script = new Script(readFileSync(bundle, 'latin1'), {
    filename: 'lading.cjs',
    cachedData: readFileSync(join(folder, code)),
  })
  return script.runInThisContext()(require, folder)
}

const loadModules = () => {
  process.setSourceMapsEnabled(true)
  return import('../dist/src/cli/main.js')
}

const start = async words => {
  // What Node itself says when it has nothing left to wait for and the program is not done.
  const unfinished = 13
  process.exitCode = unfinished
  const stale = timeOf(bundle) < timeOf(maker)
  const { main } = stale || words.includes('--debug') ? await loadModules() : loadBundle(words)
  await main(words)
  if (process.exitCode === unfinished) process.exitCode = 0
}

start(process.argv.slice(2))
