import type { Subject } from '../case.js'

export const environment: Subject = {
  title: 'Environment',
  cases: [
    {
      name: 'what every program gets',
      image: { Cmd: ['env'], Env: [] },
      steps: ['run --rm -h box IMAGE'],
      expect:
        '0 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin ⏎ HOSTNAME=box ⏎ HOME=/root',
    },
    {
      name: '-e over the image’s',
      image: { Env: ['PATH=/bin', 'A=image'] },
      steps: [`run --rm IMAGE sh -c 'echo $A'`, `run --rm -e A=mine IMAGE sh -c 'echo $A'`],
      expect: ['0 image', '0 mine'],
    },
    {
      name: '-e of an empty value',
      image: { Env: ['PATH=/bin', 'A=image'] },
      steps: [`run --rm -e A= IMAGE sh -c 'echo "[$A]"; env | grep -c ^A='`],
      expect: '0 [] ⏎ 1',
    },
    {
      name: '-e of a name that the host does not have',
      image: { Env: ['PATH=/bin', 'A=image'] },
      steps: [`run --rm -e A IMAGE sh -c 'echo "[$A]"'`],
      expect: '0 []',
    },
    {
      name: '-e of a name that the host has',
      steps: [`run --rm -e TZ_OF_CASE IMAGE sh -c 'echo $TZ_OF_CASE'`],
      expect: '0 host',
    },
    { name: '-e without a name', steps: ['run --rm -e =1 IMAGE true'], expect: '125 ! bad variable' },
    {
      name: '--env-file',
      steps: [
        `- $ printf '# no\\n\\nA=1\\n  B=with space \\nTZ_OF_CASE\\nC="quoted"\\n' > list`,
        `run --rm --env-file DIR/list IMAGE sh -c 'echo "[$A] [$B] [$C] [$TZ_OF_CASE]"'`,
      ],
      expect: '0 [1] [with space ] ["quoted"] [host]',
    },
    {
      name: '--env-file with a name of two words',
      steps: [`- $ echo 'A B=1' > list`, 'run --rm --env-file DIR/list IMAGE true'],
      expect: '125 ! bad line in the file',
    },
    {
      name: 'PATH of one’s own finds the program',
      steps: ['run --rm -e PATH=/data IMAGE echo x', 'run --rm -e PATH=/bin IMAGE echo x'],
      expect: ['127 ! not found in $PATH', '0 x'],
    },
    {
      name: 'host name',
      steps: [`run --rm -h box IMAGE sh -c 'hostname; echo $HOSTNAME; grep -c box /etc/hosts'`],
      expect: '1 box ⏎ 0',
    },
    {
      name: 'a host name that is none',
      steps: ['run --rm -h -box IMAGE true'],
      expect: '0',
      lading: {
        expect: '125 ! bad host name',
        why: 'docker takes anything for one; a name as RFC 1123 has it is wanted, since programs rely on that',
      },
    },
    {
      name: '--add-host',
      steps: [`run --rm --add-host db:10.1.2.3 IMAGE grep db /etc/hosts`],
      expect: '0 10.1.2.3	db',
    },
  ],
}
