import type { Subject } from '../case.js'

export const environment: Subject = {
  title: 'Environment',
  cases: [
    {
      name: 'what every program gets',
      image: { Cmd: ['env'], Env: [] },
      steps: ['run --rm -h box IMAGE'],
      expect: '?',
    },
    {
      name: 'of the image',
      image: { Env: ['PATH=/bin', 'A=image', 'B=two words'] },
      steps: ['run --rm -h box IMAGE env'],
      expect: '?',
    },
    {
      name: '-e over the image’s',
      image: { Env: ['PATH=/bin', 'A=image'] },
      steps: [`run --rm IMAGE sh -c 'echo $A'`, `run --rm -e A=mine IMAGE sh -c 'echo $A'`],
      expect: '?',
    },
    { name: '-e twice', steps: [`run --rm -e A=1 -e A=2 IMAGE sh -c 'echo $A'`], expect: '?' },
    { name: '-e of a value with =', steps: [`run --rm -e A=b=c IMAGE sh -c 'echo $A'`], expect: '?' },
    {
      name: '-e of an empty value',
      image: { Env: ['PATH=/bin', 'A=image'] },
      steps: [`run --rm -e A= IMAGE sh -c 'echo "[$A]"; env | grep -c ^A='`],
      expect: '?',
    },
    {
      name: '-e of a name that the host does not have',
      image: { Env: ['PATH=/bin', 'A=image'] },
      steps: [`run --rm -e A IMAGE sh -c 'echo "[$A]"'`],
      expect: '?',
    },
    {
      name: '-e of a name that the host has',
      steps: [`run --rm -e TZ_OF_CASE IMAGE sh -c 'echo $TZ_OF_CASE'`],
      expect: '?',
    },
    { name: '-e without a name', steps: ['run --rm -e =1 IMAGE true'], expect: '?' },
    {
      name: '--env-file',
      steps: [
        `- $ printf '# no\\n\\nA=1\\n  B=with space \\nTZ_OF_CASE\\nC="quoted"\\n' > list`,
        `run --rm --env-file DIR/list IMAGE sh -c 'echo "[$A] [$B] [$C] [$TZ_OF_CASE]"'`,
      ],
      expect: '?',
    },
    {
      name: '--env-file and -e',
      steps: [`- $ echo A=file > list`, `run --rm -e A=flag --env-file DIR/list IMAGE sh -c 'echo $A'`],
      expect: '?',
    },
    {
      name: '--env-file with a name of two words',
      steps: [`- $ echo 'A B=1' > list`, 'run --rm --env-file DIR/list IMAGE true'],
      expect: '?',
    },
    {
      name: 'PATH of one’s own finds the program',
      steps: ['run --rm -e PATH=/data IMAGE echo x', 'run --rm -e PATH=/bin IMAGE echo x'],
      expect: '?',
    },
    {
      name: 'TERM of a terminal',
      steps: [{ run: `run --rm -it IMAGE sh -c 'echo $TERM'`, types: [] }],
      expect: '?',
    },
    {
      name: 'host name',
      steps: [`run --rm -h box IMAGE sh -c 'hostname; echo $HOSTNAME; grep -c box /etc/hosts'`],
      expect: '?',
    },
    {
      name: 'host name of a container that was not given one',
      steps: [`run --rm IMAGE sh -c 'hostname; test $HOSTNAME = $(hostname)'`],
      expect: '?',
    },
    { name: 'a host name that is none', steps: ['run --rm -h -box IMAGE true'], expect: '?' },
    { name: '--add-host', steps: [`run --rm --add-host db:10.1.2.3 IMAGE grep db /etc/hosts`], expect: '?' },
    { name: '--dns', steps: [`run --rm --dns 10.1.2.3 IMAGE grep nameserver /etc/resolv.conf`], expect: '?' },
  ],
}
