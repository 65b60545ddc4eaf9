import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run.mjs'

/** The gateways that the shop can stand behind; Debian's packages have the same names. */
export const GATEWAYS = ['nginx', 'caddy', 'haproxy']

/** Reading asks for a session, ordering for a sensitive route; the same words in every gateway. */
const READ = 'audience=shop&rotate=yes'
const ORDER = `${READ}&sensitivity=sensitive`

/** Another service has another audience: a token for one is none for the other. */
const SHIPPING = 'audience=shipping&rotate=yes'

/**
 * Writes the configuration of a gateway for the shop, and says how to start it. Each is the one of
 * docs/gateways with routes of its own: the services are asked for at the gate, all other pages are
 * the application's, which judges itself.
 */
export function gatewayProgram(name, places) {
  mkdirSync(places.folder, { recursive: true, mode: 0o700 })
  return { nginx, caddy, haproxy }[name](places)
}

function nginx({ folder, port, app, catalogue, orders, shipping, gate, key }) {
  const site = documented('nginx.conf', [
    [/127\.0\.0\.1:4602/g, gate],
    [/KEY-OF-THE-GATEWAY/, key],
    [/listen 443 ssl;/, `listen 127.0.0.1:${port};`],
    [/ *server_name .*\n *ssl_certificate .*\n *ssl_certificate_key .*\n/, ''],
    [/X-Forwarded-For {3}\$remote_addr/g, 'X-Forwarded-For   $proxy_add_x_forwarded_for'],
    [/^upstream app \{[^}]*\}\n/m, ''],
    [
      /^server \{/m,
      `map $request_method $orders_options { default "${READ}"; POST "${ORDER}"; }\n\nserver {`,
    ],
    [
      / {2}location \/ \{[\s\S]*?(?= {2}location = \/_holdfast)/,
      `
  location / {
    auth_request off;
    proxy_http_version 1.1;
    proxy_buffering off;
    proxy_set_header Host            $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_pass http://${app};
  }

  location /api/catalogue/ {
    set $holdfast_options "${READ}";
    proxy_pass http://${catalogue};
  }

  location = /api/orders {
    set $holdfast_options $orders_options;
    proxy_pass http://${orders};
  }

  location /api/shipping {
    set $holdfast_options "${SHIPPING}";
    proxy_pass http://${shipping};
  }

`,
    ],
  ])
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    [
      `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr error;`,
      'events { worker_connections 256; }',
      'http {',
      'access_log off;',
      ...temporary.map((one) => `${one}_temp_path ${folder}/${one};`),
      site,
      '}',
    ].join('\n'),
    { mode: 0o600 },
  )
  return { command: 'nginx', args: ['-e', 'stderr', '-p', folder, '-c', file], env: {} }
}

function caddy({ folder, port, app, catalogue, orders, shipping, gate, key }) {
  const site = documented('Caddyfile', [
    [/127\.0\.0\.1:4602/g, gate],
    [
      /X-Forwarded-For \{remote_host\}/,
      'X-Forwarded-For "{http.request.header.X-Forwarded-For}, {remote_host}"',
    ],
    [
      /^shop\.example \{[\s\S]*?(?=\thandle_errors)/m,
      `http://:${port} {
	@ordering {
		method POST
		path /api/orders
	}
	route {
		handle /api/catalogue/* {
			route {
				import holdfast "${READ}"
				import deliver ${catalogue}
			}
		}
		handle @ordering {
			route {
				import holdfast "${ORDER}"
				import deliver ${orders}
			}
		}
		handle /api/orders {
			route {
				import holdfast "${READ}"
				import deliver ${orders}
			}
		}
		handle /api/shipping* {
			route {
				import holdfast "${SHIPPING}"
				import deliver ${shipping}
			}
		}
		handle {
			reverse_proxy ${app} {
				trusted_proxies 127.0.0.1/32
				flush_interval -1
			}
		}
	}

`,
    ],
  ])
  const file = join(folder, 'Caddyfile')
  writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n${site}`)
  return {
    command: 'caddy',
    args: ['run', '--config', file, '--adapter', 'caddyfile'],
    env: { HOLDFAST_KEY: key, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  }
}

function haproxy({ folder, port, app, catalogue, orders, shipping, gate, key }) {
  const lua = documented('holdfast.lua', [
    [/127\.0\.0\.1:4602/g, gate],
    [/\{ txn\.sf:src\(\) \}/, '{ txn.sf:req_hdr("x-forwarded-for") .. ", " .. txn.sf:src() }'],
  ])
  const config = documented('haproxy.cfg', [
    [/lua-load holdfast\.lua/, `lua-load ${folder}/holdfast.lua`],
    [/bind :443 ssl .*/, `bind 127.0.0.1:${port}`],
    // The edge before it says where the client is.
    [/\^x-\(forwarded/, '^(?!x-forwarded-for$)x-(forwarded'],
    [
      / {2}# Preflights carry[\s\S]*?(?= {2}# The client's own)/,
      `  acl catalogue path_beg /api/catalogue/
  acl orders path /api/orders
  acl shipping path_beg /api/shipping
  acl gated path_beg /api/
  http-request set-var(txn.holdfast_options) str("${READ}")
  http-request set-var(txn.holdfast_options) str("${ORDER}") if orders METH_POST
  http-request set-var(txn.holdfast_options) str("${SHIPPING}") if shipping
  http-request lua.holdfast if gated

`,
    ],
    [/^ {2}http-request replace-header cookie (.*)$/gm, (line) => `${line} if gated`],
    [/^ {2}http-request del-header cookie if left$/m, (line) => `${line} gated`],
    [/set-header x-forwarded-for %\[src\]/, 'add-header x-forwarded-for %[src]'],
    [
      /default_backend app[\s\S]*/,
      `use_backend catalogue if catalogue
  use_backend orders if orders
  use_backend shipping if shipping
  default_backend app

backend app
  server app ${app}

backend catalogue
  server catalogue ${catalogue}

backend orders
  server orders ${orders}

backend shipping
  server shipping ${shipping}
`,
    ],
  ])
  writeFileSync(join(folder, 'holdfast.lua'), lua)
  const file = join(folder, 'haproxy.cfg')
  writeFileSync(file, config)
  return { command: 'haproxy', args: ['-db', '-f', file], env: { HOLDFAST_KEY: key } }
}

/**
 * The text of a file of docs/gateways, changed; what is to be changed has to be there. A text is
 * taken as it is.
 */
function documented(file, changes) {
  let text = readFileSync(join(root, 'docs', 'gateways', file), 'utf8')
  for (const [pattern, value] of changes) {
    if (text.search(pattern) < 0) throw new Error(`docs/gateways/${file} has no ${pattern}`)
    text = text.replace(pattern, typeof value === 'string' ? () => value : value)
  }
  return text
}
