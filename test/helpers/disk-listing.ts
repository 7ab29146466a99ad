import { run } from './programs.js'

export type DiskListing = Record<string, Record<string, unknown>>

/** What Python sees of a tree on disk, by path: type, mode, owner, time in ns, link, content, device, attributes, names of the same file. */
export const diskListing = (folder: string): DiskListing =>
  JSON.parse(run('python3', ['-c', listingScript, folder]))

/** For Python, the folder as its argument. */
export const listingScript = `import os,sys,json,hashlib,stat
root=os.fsencode(sys.argv[1]);r={};inodes={}
def add(p):
    s=os.lstat(p);n=os.path.relpath(p,root).decode('latin1');m=s.st_mode
    e={'type':stat.S_IFMT(m),'mode':stat.S_IMODE(m),'uid':s.st_uid,'gid':s.st_gid,'mtime':str(s.st_mtime_ns),'rdev':s.st_rdev if stat.S_ISCHR(m) or stat.S_ISBLK(m) else 0}
    e['xattrs']={a:os.getxattr(p,a,follow_symlinks=False).hex() for a in sorted(os.listxattr(p,follow_symlinks=False))}
    if stat.S_ISLNK(m): e['link']=os.readlink(p).decode('latin1')
    if stat.S_ISREG(m):
        h=hashlib.sha256()
        with open(p,'rb') as f:
            while chunk:=f.read(1<<20): h.update(chunk)
        e['content']=h.hexdigest()
    if not stat.S_ISDIR(m) and s.st_nlink>1: e['same']=inodes.setdefault(s.st_ino,n)
    r[n]=e
add(root)
for d,ds,fs in os.walk(root):
    for n in sorted(ds+fs): add(os.path.join(d,n))
print(json.dumps(r))`
