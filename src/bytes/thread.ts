/** What runs in a thread of threads.ts. The command line's threads have another: all jobs in one script (bin/bundle.mts). */
import { serveJobs } from './serve-jobs.js'

serveJobs(url => import(url))
