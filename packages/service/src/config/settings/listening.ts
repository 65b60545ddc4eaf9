import { z } from 'zod'
import { setting } from '../setting.ts'
import { listen, listenAnywhere, origin, page } from '../values.ts'

/** Where the service listens, and for which sites. */
export const listening = {
  listen: setting(listen.default({ host: '127.0.0.1', port: 4600 }), {
    about: 'Where the HTTP API listens. TLS is the business of what stands in front.',
    example: '127.0.0.1:4600',
    reading: 'text',
  }),
  managementListen: setting(listen.default({ host: '127.0.0.1', port: 4601 }), {
    about:
      'Where `/livez`, `/readyz` and `/metrics` listen, without a key: keep it off public ' +
      'networks.',
    example: '127.0.0.1:4601',
    reading: 'text',
  }),
  gateListen: setting(listenAnywhere.default({ host: '127.0.0.1', port: 4602 }), {
    about:
      'Where gateways ask (`/v1/gate/...`): an address, `unix:/path` for a socket, or `off`. ' +
      'Whoever may open the socket (mode 0660) counts as a gateway.',
    example: '127.0.0.1:4602',
    reading: 'text',
  }),
  grpcListen: setting(listenAnywhere.default('off'), {
    about:
      'Where Envoy asks over gRPC (`envoy.service.auth.v3.Authorization`): as `gateListen`. ' +
      'Off unless set.',
    example: '127.0.0.1:4603',
    reading: 'text',
  }),
  gatePeers: setting(z.array(z.string().min(1).max(64)).max(64).default([]), {
    about:
      'Addresses and prefixes of gateways that need no key. What they say of a request is ' +
      'believed, so name nothing that a client can reach the gate from.',
    example: '10.0.3.0/24,192.168.1.7',
    reading: 'list',
  }),
  proxyProtocolPeers: setting(z.array(z.string().min(1).max(64)).max(64).default([]), {
    about:
      'Addresses and prefixes of balancers that begin each connection with a PROXY header ' +
      '(version 1 or 2), and `unix` for whoever connects to a socket. From them the header is ' +
      'demanded, on every listener; the client that it names is then the peer, also for ' +
      '`gatePeers` and `trustedProxies`. From others it is no HTTP. See ' +
      '[edges](edges.md#the-proxy-protocol).',
    example: '10.0.0.0/24',
    reading: 'list',
  }),
  gateTlsHeader: setting(
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be a header name in lower case')
      .optional(),
    {
      about:
        "Header in which the gateways tell the JA4 fingerprint of the client's TLS handshake. " +
        'They must write it themselves and drop what clients send under that name. None is ' +
        'read unless set.',
      example: 'x-ja4',
      reading: 'text',
    },
  ),
  onBehalfSecret: setting(z.array(z.string().min(32).max(512)).max(4).default([]), {
    about:
      'What the renderers and backends behind the gateways share as `onBehalf.secret`: requests ' +
      "that they make for a person are judged at the gates as that person's. Of several all " +
      'are believed, so that it can be changed. No such request is believed unless set.',
    example: 'put-the-output-of-openssl-rand-base64-32-here',
    reading: 'list',
    secret: true,
  }),
  origins: setting(z.array(origin).max(256).default([]), {
    about:
      'Public origins of the sites behind the gateways: logins return there and nowhere else, ' +
      "and their pages may use each other's sessions. Pages of an application have an origin of " +
      'a scheme of its own, such as `capacitor://localhost`.',
    example: 'https://shop.example,https://account.example',
    reading: 'list',
  }),
  loginUrl: setting(page.optional(), {
    about:
      'Where gates send navigations without a session, with `?return=`, and with `&reason=` ' +
      'where there was one: a URL, or a path of the site. Needs `origins`; without it they get ' +
      '401.',
    example: 'https://account.example/login',
    reading: 'text',
  }),
  stepUpUrl: setting(page.optional(), {
    about:
      'Where gates send navigations that need a step-up, with `?return=` and what the route ' +
      'asks for (`&acr=`, `&max_age=`, `&sensitivity=`): a URL, or a path of the site. Needs ' +
      '`origins`.',
    example: 'https://account.example/step-up',
    reading: 'text',
  }),
  refusedUrl: setting(page.optional(), {
    about:
      'Where gates send navigations of which nothing more is asked (`context_refused`), with ' +
      '`?return=` and `&reason=`: a URL, or a path of the site. Needs `origins`; without it ' +
      'they get 403.',
    example: 'https://account.example/refused',
    reading: 'text',
  }),
}
