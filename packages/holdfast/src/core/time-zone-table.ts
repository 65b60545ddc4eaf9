/** Written by `node tools/time-zones.mjs` from Debian's package tzdata. */

/** The version of the tz data. */
export const TZ_VERSION = '2026f'

/**
 * Each zone: a colon with the countries that keep its time (ISO 3166-1 alpha-2), its current name,
 * and its other names. A zone of no country is nobody's local time.
 */
export const TIME_ZONE_TABLE = `
:CI,BF,GH,GM,GN,IS,ML,MR,SH,SL,SN,TG Africa/Abidjan :GH Africa/Accra :ET Africa/Addis_Ababa :DZ
Africa/Algiers :ER Africa/Asmara Africa/Asmera :ML Africa/Bamako Africa/Timbuktu :CF Africa/Bangui
:GM Africa/Banjul :GW Africa/Bissau :MW Africa/Blantyre :CG Africa/Brazzaville :BI Africa/Bujumbura
:EG Africa/Cairo Egypt :MA Africa/Casablanca :ES Africa/Ceuta :GN Africa/Conakry :SN Africa/Dakar
:TZ Africa/Dar_es_Salaam :DJ Africa/Djibouti :CM Africa/Douala :EH Africa/El_Aaiun :SL
Africa/Freetown :BW Africa/Gaborone :ZW Africa/Harare :ZA,LS,SZ Africa/Johannesburg :SS Africa/Juba
:UG Africa/Kampala :SD Africa/Khartoum :RW Africa/Kigali :CD Africa/Kinshasa
:NG,AO,BJ,CD,CF,CG,CM,GA,GQ,NE Africa/Lagos :GA Africa/Libreville :TG Africa/Lome :AO Africa/Luanda
:CD Africa/Lubumbashi :ZM Africa/Lusaka :GQ Africa/Malabo :MZ,BI,BW,CD,MW,RW,ZM,ZW Africa/Maputo :LS
Africa/Maseru :SZ Africa/Mbabane :SO Africa/Mogadishu :LR Africa/Monrovia
:KE,DJ,ER,ET,KM,MG,SO,TZ,UG,YT Africa/Nairobi :TD Africa/Ndjamena :NE Africa/Niamey :MR
Africa/Nouakchott :BF Africa/Ouagadougou :BJ Africa/Porto-Novo :ST Africa/Sao_Tome :LY
Africa/Tripoli Libya :TN Africa/Tunis :NA Africa/Windhoek :US America/Adak America/Atka US/Aleutian
:US America/Anchorage US/Alaska :AI America/Anguilla :AG America/Antigua :BR America/Araguaina :AR
America/Argentina/Buenos_Aires America/Buenos_Aires :AR America/Argentina/Catamarca
America/Argentina/ComodRivadavia America/Catamarca :AR America/Argentina/Cordoba America/Cordoba
America/Rosario :AR America/Argentina/Jujuy America/Jujuy :AR America/Argentina/La_Rioja :AR
America/Argentina/Mendoza America/Mendoza :AR America/Argentina/Rio_Gallegos :AR
America/Argentina/Salta :AR America/Argentina/San_Juan :AR America/Argentina/San_Luis :AR
America/Argentina/Tucuman :AR America/Argentina/Ushuaia :AW America/Aruba :PY America/Asuncion :CA
America/Atikokan America/Coral_Harbour :BR America/Bahia :MX America/Bahia_Banderas :BB
America/Barbados :BR America/Belem :BZ America/Belize :CA America/Blanc-Sablon :BR America/Boa_Vista
:CO America/Bogota :US America/Boise :CA America/Cambridge_Bay :BR America/Campo_Grande :MX
America/Cancun :VE America/Caracas :GF America/Cayenne :KY America/Cayman :US America/Chicago
US/Central :MX America/Chihuahua :MX America/Ciudad_Juarez :CR America/Costa_Rica :CL
America/Coyhaique :CA America/Creston :BR America/Cuiaba :CW America/Curacao :GL
America/Danmarkshavn :CA America/Dawson :CA America/Dawson_Creek :US America/Denver America/Shiprock
Navajo US/Mountain :US America/Detroit US/Michigan :DM America/Dominica :CA America/Edmonton
America/Yellowknife Canada/Mountain :BR America/Eirunepe :SV America/El_Salvador :CA
America/Fort_Nelson :BR America/Fortaleza :CA America/Glace_Bay :CA America/Goose_Bay :TC
America/Grand_Turk :GD America/Grenada :GP America/Guadeloupe :GT America/Guatemala :EC
America/Guayaquil :GY America/Guyana :CA America/Halifax Canada/Atlantic :CU America/Havana Cuba :MX
America/Hermosillo :US America/Indiana/Indianapolis America/Fort_Wayne America/Indianapolis
US/East-Indiana :US America/Indiana/Knox America/Knox_IN US/Indiana-Starke :US
America/Indiana/Marengo :US America/Indiana/Petersburg :US America/Indiana/Tell_City :US
America/Indiana/Vevay :US America/Indiana/Vincennes :US America/Indiana/Winamac :CA America/Inuvik
:CA America/Iqaluit America/Pangnirtung :JM America/Jamaica Jamaica :US America/Juneau :US
America/Kentucky/Louisville America/Louisville :US America/Kentucky/Monticello :BQ
America/Kralendijk :BO America/La_Paz :PE America/Lima :US America/Los_Angeles US/Pacific :SX
America/Lower_Princes :BR America/Maceio :NI America/Managua :BR America/Manaus Brazil/West :MF
America/Marigot :MQ America/Martinique :MX America/Matamoros :MX America/Mazatlan Mexico/BajaSur :US
America/Menominee :MX America/Merida :US America/Metlakatla :MX America/Mexico_City Mexico/General
:PM America/Miquelon :CA America/Moncton :MX America/Monterrey :UY America/Montevideo :MS
America/Montserrat :BS America/Nassau :US America/New_York US/Eastern :US America/Nome :BR
America/Noronha Brazil/DeNoronha :US America/North_Dakota/Beulah :US America/North_Dakota/Center :US
America/North_Dakota/New_Salem :GL America/Nuuk America/Godthab :MX America/Ojinaga :PA,CA,KY
America/Panama :SR America/Paramaribo :US,CA America/Phoenix US/Arizona :HT America/Port-au-Prince
:TT America/Port_of_Spain :BR America/Porto_Velho
:PR,AG,CA,AI,AW,BL,BQ,CW,DM,GD,GP,KN,LC,MF,MS,SX,TT,VC,VG,VI America/Puerto_Rico :CL
America/Punta_Arenas :CA America/Rankin_Inlet :BR America/Recife :CA America/Regina
Canada/Saskatchewan :CA America/Resolute :BR America/Rio_Branco America/Porto_Acre Brazil/Acre :BR
America/Santarem :CL America/Santiago Chile/Continental :DO America/Santo_Domingo :BR
America/Sao_Paulo Brazil/East :GL America/Scoresbysund :US America/Sitka :BL America/St_Barthelemy
:CA America/St_Johns Canada/Newfoundland :KN America/St_Kitts :LC America/St_Lucia :VI
America/St_Thomas America/Virgin :VC America/St_Vincent :CA America/Swift_Current :HN
America/Tegucigalpa :GL America/Thule :MX America/Tijuana America/Ensenada America/Santa_Isabel
Mexico/BajaNorte :CA,BS America/Toronto America/Montreal America/Nipigon America/Thunder_Bay
Canada/Eastern :VG America/Tortola :CA America/Vancouver Canada/Pacific :CA America/Whitehorse
Canada/Yukon :CA America/Winnipeg America/Rainy_River Canada/Central :US America/Yakutat :AQ
Antarctica/Casey :AQ Antarctica/Davis :AQ Antarctica/DumontDUrville :AU Antarctica/Macquarie :AQ
Antarctica/Mawson :AQ Antarctica/McMurdo Antarctica/South_Pole :AQ Antarctica/Palmer :AQ
Antarctica/Rothera :AQ Antarctica/Syowa :AQ Antarctica/Troll :AQ Antarctica/Vostok :SJ
Arctic/Longyearbyen Atlantic/Jan_Mayen :YE Asia/Aden :KZ Asia/Almaty :JO Asia/Amman :RU Asia/Anadyr
:KZ Asia/Aqtau :KZ Asia/Aqtobe :TM Asia/Ashgabat Asia/Ashkhabad :KZ Asia/Atyrau :IQ Asia/Baghdad :BH
Asia/Bahrain :AZ Asia/Baku :TH,CX,KH,LA,VN Asia/Bangkok :RU Asia/Barnaul :LB Asia/Beirut :KG
Asia/Bishkek :BN Asia/Brunei :RU Asia/Chita :LK Asia/Colombo :SY Asia/Damascus :BD Asia/Dhaka
Asia/Dacca :TL Asia/Dili :AE,OM,RE,SC,TF Asia/Dubai :TJ Asia/Dushanbe :CY Asia/Famagusta :PS
Asia/Gaza :PS Asia/Hebron :VN Asia/Ho_Chi_Minh Asia/Saigon :HK Asia/Hong_Kong Hongkong :MN Asia/Hovd
:RU Asia/Irkutsk :ID Asia/Jakarta :ID Asia/Jayapura :IL Asia/Jerusalem Asia/Tel_Aviv Israel :AF
Asia/Kabul :RU Asia/Kamchatka :PK Asia/Karachi :NP Asia/Kathmandu Asia/Katmandu :RU Asia/Khandyga
:IN Asia/Kolkata Asia/Calcutta :RU Asia/Krasnoyarsk :MY Asia/Kuala_Lumpur :MY,BN Asia/Kuching :KW
Asia/Kuwait :MO Asia/Macau Asia/Macao :RU Asia/Magadan :ID Asia/Makassar Asia/Ujung_Pandang :PH
Asia/Manila :OM Asia/Muscat :CY Asia/Nicosia Europe/Nicosia :RU Asia/Novokuznetsk :RU
Asia/Novosibirsk :RU Asia/Omsk :KZ Asia/Oral :KH Asia/Phnom_Penh :ID Asia/Pontianak :KP
Asia/Pyongyang :QA,BH Asia/Qatar :KZ Asia/Qostanay :KZ Asia/Qyzylorda :SA,AQ,KW,YE Asia/Riyadh :RU
Asia/Sakhalin :UZ Asia/Samarkand :KR Asia/Seoul ROK :CN Asia/Shanghai Asia/Chongqing Asia/Chungking
Asia/Harbin PRC :SG,AQ,MY Asia/Singapore Singapore :RU Asia/Srednekolymsk :TW Asia/Taipei ROC :UZ
Asia/Tashkent :GE Asia/Tbilisi :IR Asia/Tehran Iran :BT Asia/Thimphu Asia/Thimbu :JP,AU Asia/Tokyo
Japan :RU Asia/Tomsk :MN Asia/Ulaanbaatar Asia/Choibalsan Asia/Ulan_Bator :CN Asia/Urumqi
Asia/Kashgar :RU Asia/Ust-Nera :LA Asia/Vientiane :RU Asia/Vladivostok :RU Asia/Yakutsk :MM,CC
Asia/Yangon Asia/Rangoon :RU Asia/Yekaterinburg :AM Asia/Yerevan :PT Atlantic/Azores :BM
Atlantic/Bermuda :ES Atlantic/Canary :CV Atlantic/Cape_Verde :FO Atlantic/Faroe Atlantic/Faeroe :PT
Atlantic/Madeira :IS Atlantic/Reykjavik Iceland :GS Atlantic/South_Georgia :SH Atlantic/St_Helena
:FK Atlantic/Stanley :AU Australia/Adelaide Australia/South :AU Australia/Brisbane
Australia/Queensland :AU Australia/Broken_Hill Australia/Yancowinna :AU Australia/Darwin
Australia/North :AU Australia/Eucla :AU Australia/Hobart Australia/Currie Australia/Tasmania :AU
Australia/Lindeman :AU Australia/Lord_Howe Australia/LHI :AU Australia/Melbourne Australia/Victoria
:AU Australia/Perth Australia/West :AU Australia/Sydney Australia/ACT Australia/Canberra
Australia/NSW : CET : CST6CDT : EET : EST : EST5EDT : Etc/GMT Etc/GMT+0 Etc/GMT-0 Etc/GMT0
Etc/Greenwich GMT GMT+0 GMT-0 GMT0 Greenwich : Etc/GMT+1 : Etc/GMT+10 : Etc/GMT+11 : Etc/GMT+12 :
Etc/GMT+2 : Etc/GMT+3 : Etc/GMT+4 : Etc/GMT+5 : Etc/GMT+6 : Etc/GMT+7 : Etc/GMT+8 : Etc/GMT+9 :
Etc/GMT-1 : Etc/GMT-10 : Etc/GMT-11 : Etc/GMT-12 : Etc/GMT-13 : Etc/GMT-14 : Etc/GMT-2 : Etc/GMT-3 :
Etc/GMT-4 : Etc/GMT-5 : Etc/GMT-6 : Etc/GMT-7 : Etc/GMT-8 : Etc/GMT-9 : Etc/UTC Etc/UCT
Etc/Universal Etc/Zulu UCT UTC Universal Zulu :NL Europe/Amsterdam :AD Europe/Andorra :RU
Europe/Astrakhan :GR Europe/Athens :RS,BA,HR,ME,MK,SI Europe/Belgrade :DE,DK,NO,SE,SJ Europe/Berlin
:SK Europe/Bratislava :BE,LU,NL Europe/Brussels :RO Europe/Bucharest :HU Europe/Budapest :DE
Europe/Busingen :MD Europe/Chisinau Europe/Tiraspol :DK Europe/Copenhagen :IE Europe/Dublin Eire :GI
Europe/Gibraltar :GG Europe/Guernsey :FI,AX Europe/Helsinki :IM Europe/Isle_of_Man :TR
Europe/Istanbul Asia/Istanbul Turkey :JE Europe/Jersey :RU Europe/Kaliningrad :RU Europe/Kirov :UA
Europe/Kyiv Europe/Kiev Europe/Uzhgorod Europe/Zaporozhye :PT Europe/Lisbon Portugal :SI
Europe/Ljubljana :GB,GG,IM,JE Europe/London Europe/Belfast GB GB-Eire :LU Europe/Luxembourg :ES
Europe/Madrid :MT Europe/Malta :AX Europe/Mariehamn :BY Europe/Minsk :MC Europe/Monaco :RU
Europe/Moscow W-SU :NO Europe/Oslo :FR,MC Europe/Paris :ME Europe/Podgorica :CZ,SK Europe/Prague :LV
Europe/Riga :IT,SM,VA Europe/Rome :RU Europe/Samara :SM Europe/San_Marino :BA Europe/Sarajevo :RU
Europe/Saratov :UA,RU Europe/Simferopol :MK Europe/Skopje :BG Europe/Sofia :SE Europe/Stockholm :EE
Europe/Tallinn :AL Europe/Tirane :RU Europe/Ulyanovsk :LI Europe/Vaduz :VA Europe/Vatican :AT
Europe/Vienna :LT Europe/Vilnius :RU Europe/Volgograd :PL Europe/Warsaw Poland :HR Europe/Zagreb
:CH,DE,LI Europe/Zurich : Factory : HST :MG Indian/Antananarivo :IO Indian/Chagos :CX
Indian/Christmas :CC Indian/Cocos :KM Indian/Comoro :TF Indian/Kerguelen :SC Indian/Mahe :MV,TF
Indian/Maldives :MU Indian/Mauritius :YT Indian/Mayotte :RE Indian/Reunion : MET : MST : MST7MDT :
PST8PDT :WS Pacific/Apia :NZ,AQ Pacific/Auckland NZ :PG Pacific/Bougainville :NZ Pacific/Chatham
NZ-CHAT :FM Pacific/Chuuk Pacific/Truk Pacific/Yap :CL Pacific/Easter Chile/EasterIsland :VU
Pacific/Efate :TK Pacific/Fakaofo :FJ Pacific/Fiji :TV Pacific/Funafuti :EC Pacific/Galapagos :PF
Pacific/Gambier :SB,FM Pacific/Guadalcanal :GU,MP Pacific/Guam :US Pacific/Honolulu Pacific/Johnston
US/Hawaii :KI Pacific/Kanton Pacific/Enderbury :KI Pacific/Kiritimati :FM Pacific/Kosrae :MH
Pacific/Kwajalein Kwajalein :MH Pacific/Majuro :PF Pacific/Marquesas :UM Pacific/Midway :NR
Pacific/Nauru :NU Pacific/Niue :NF Pacific/Norfolk :NC Pacific/Noumea :AS,UM Pacific/Pago_Pago
Pacific/Samoa US/Samoa :PW Pacific/Palau :PN Pacific/Pitcairn :FM Pacific/Pohnpei Pacific/Ponape
:PG,AQ,FM Pacific/Port_Moresby :CK Pacific/Rarotonga :MP Pacific/Saipan :PF Pacific/Tahiti
:KI,MH,TV,UM,WF Pacific/Tarawa :TO Pacific/Tongatapu :UM Pacific/Wake :WF Pacific/Wallis : WET
`
