import { ready } from './crypto/sodium';
import { placeAt } from './tests/bench/peers/dialects';
import { bundleRelay, forgetBundle, startRelay, startPeer, cpuOf } from './tests/bench/peers/processes';
import { mkdtempSync, rmSync } from 'node:fs';
await ready(); await bundleRelay();
const peer = (process.argv[2] ?? 'ours') as 'ours'|'yws';
const folder = mkdtempSync('/tmp/late-');
const server = peer === 'ours' ? await startRelay(folder, process.argv[3] ? process.argv[3].split(',') : []) : await startPeer(peer, folder);
const place = await placeAt(peer, server.port, 'late', 1);
const count = 10000;
const frames = place.updates(0, count);
const w = await place.join(0);
let n=0, got=0;
await new Promise<void>((done) => { const more=()=>{ while(n-got<500 && n<count) w.write(frames[n++]!); }; w.hear=(m)=>{ const a=place.acked(m); if(a===0) return; got+=a; if(got===count) return done(); more(); }; more(); });
w.close(); await new Promise(r=>setTimeout(r,500));
const T: number[]=[], J: number[]=[], C: number[]=[];
for (let i=0;i<(Number(process.argv[4] ?? 25));i++){ const c0=cpuOf(server.pid); const j0=performance.now(); const r = await place.join(0); J.push(performance.now()-j0); r.close(); await new Promise(r=>setTimeout(r,50)); const s=performance.now(); await place.fetchAll(count); T.push(performance.now()-s); await new Promise(r=>setTimeout(r,50)); C.push((cpuOf(server.pid)-c0)*1000); }
const med=(a:number[])=>[...a].sort((x,y)=>x-y)[a.length>>1]!.toFixed(2);
console.log(peer, 'fetchAll', med(T.slice(0,9)), med(T), 'join', med(J), 'server cpu ms', med(C), T.map(t=>t.toFixed(0)).join(' '));
process.kill(server.pid, 'SIGTERM'); await new Promise(r=>setTimeout(r,1500));
try { await server.kill(); } catch {}
rmSync(folder,{recursive:true,force:true}); forgetBundle(); process.exit(0);
