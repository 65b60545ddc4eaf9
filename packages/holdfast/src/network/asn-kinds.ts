import type { NetworkKind } from '../core/request.ts'

/**
 * What some well-known networks are, by autonomous system number. A start, not a reputation list: a
 * network that is missing here is `unknown`, which weighs nothing. Pass your own map to
 * `geoLookup({ kinds })` to replace it.
 *
 * Sources, as of 2026-06: the operators' own names in the registries' data; for `relay` the egress
 * ranges that Apple publishes for iCloud Private Relay (Akamai AS36183, Cloudflare AS13335, Fastly
 * AS54113); for `tor` the exit operators that announce themselves as such. Only networks that are
 * one thing throughout are listed: a carrier that serves homes and phones from one number is left
 * out.
 */
export const ASN_KINDS: ReadonlyMap<number, NetworkKind> = new Map<number, NetworkKind>([
  [13335, 'relay'], // Cloudflare: Private Relay, WARP
  [36183, 'relay'], // Akamai: Private Relay
  [54113, 'relay'], // Fastly: Private Relay

  [14593, 'satellite'], // Space Exploration Technologies (Starlink)
  [40306, 'satellite'], // ViaSat

  [60729, 'tor'], // Stiftung Erneuerbare Freiheit
  [208323, 'tor'], // Foundation for Applied Privacy

  [39351, 'vpn'], // 31173 Services
  [136787, 'vpn'], // PacketHub
  [212238, 'vpn'], // Datacamp
  [60068, 'vpn'], // Datacamp
  [9009, 'vpn'], // M247

  [14618, 'hosting'], // Amazon
  [16509, 'hosting'], // Amazon
  [396982, 'hosting'], // Google Cloud
  [8075, 'hosting'], // Microsoft
  [31898, 'hosting'], // Oracle Cloud
  [45102, 'hosting'], // Alibaba Cloud
  [37963, 'hosting'], // Alibaba Cloud
  [14061, 'hosting'], // DigitalOcean
  [16276, 'hosting'], // OVH
  [24940, 'hosting'], // Hetzner
  [20473, 'hosting'], // The Constant Company (Vultr)
  [63949, 'hosting'], // Linode (Akamai)
  [12876, 'hosting'], // Scaleway
  [51167, 'hosting'], // Contabo
  [197540, 'hosting'], // netcup
  [36352, 'hosting'], // ColoCrossing (HostPapa)
  [53667, 'hosting'], // FranTech

  [21928, 'mobile'], // T-Mobile USA
  [22394, 'mobile'], // Verizon Wireless
  [6167, 'mobile'], // Verizon Wireless
  [20057, 'mobile'], // AT&T Mobility
  [55836, 'mobile'], // Reliance Jio
  [9605, 'mobile'], // NTT DOCOMO
  [206067, 'mobile'], // Three UK

  [7922, 'fixed'], // Comcast
  [20115, 'fixed'], // Charter
  [5607, 'fixed'], // Sky UK
  [2856, 'fixed'], // BT
])
