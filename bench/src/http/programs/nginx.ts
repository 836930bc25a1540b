import { userInfo } from 'node:os';
import { UPSTREAM_CONNECTIONS } from '../servers/setting.ts';
import type { Program, ProgramSetting } from './program.ts';

/** One worker that keeps connections on both sides for as long as the bench runs, and spools nothing to the disk: nor do the others. */
export const nginx: Program = {
  command: 'nginx',
  arguments: (configFile) => ['-c', configFile],
  configuration: ({ port, upstreamPort, folder }) => `
    daemon off;
    user ${userInfo().username};
    worker_processes 1;
    pid ${folder}/pid;
    error_log stderr crit;
    events { worker_connections 4096; }
    http {
      access_log off;
      keepalive_timeout 1h;
      keepalive_requests 1000000000;
      ${temporaryFolders(folder)}
      upstream u {
        server 127.0.0.1:${upstreamPort};
        keepalive ${UPSTREAM_CONNECTIONS};
        keepalive_requests 1000000000;
      }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://u;
          proxy_http_version 1.1;
          proxy_max_temp_file_size 0;
          proxy_set_header Connection "";
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }
      }
    }`,
};

/** It makes them all as it starts, by default where only root may. */
function temporaryFolders(folder: ProgramSetting['folder']): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n      ');
}
