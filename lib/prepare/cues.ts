/** Words before a number that say what the number is. */

const version =
  /(?:\b(?:v|ver|version|release|build|rev|revision|chapter|section|macos|ios|android|python|node|kernel|linux|firmware|patch|update|article|figure|table|fig|§)|§)[\s.:]{0,2}$/i

export function endsWithVersionCue(before: string): boolean {
  return version.test(before)
}

const phoneWord = [
  'tel',
  'tele?phone',
  'telefono?',
  'teléfono',
  'téléphone',
  'tél',
  'tfno',
  'tlf',
  'tlfn',
  'telnr',
  'rufnummer',
  'handy',
  'mobil(?:e|nummer|telefon)?',
  'móvil',
  'cellulare',
  'celular',
  'cell',
  'phone',
  'cellphone',
  'landline',
  'hotline',
  'helpline',
  'gsm',
  'fax',
  'whatsapp',
  'viber',
  'telegram',
  'call(?:ed|ing)?',
  'dial(?:led|ing)?',
  'ring',
  'phoned',
  'llam[ae]r?',
  'appele[rz]',
  'anrufen',
  'chiamare',
  'help',
  'freephone',
  'optout',
  '(?:my|his|her|their|our|your) (?:new )?(?:number|no)',
  '(?:contact|reach) (?:me|us|him|her|them|you)',
].join('|')
// What may stand between the word and the number: `call me back on:`.
const between = String.raw`(?:me|us|him|her|them|back|now|on|at|to|number|no|nr|num|is|was|free|direct|office|home|work|mobile|line|under|au|al|unter|under|the|this|following|or|please|via|fr|from|land|immediately|today)`
const phone = new RegExp(
  String.raw`(?<!\p{L})(?:${phoneWord})s?(?:[^\p{L}\p{N}\n]{1,3}${between}){0,4}[^\p{L}\p{N}\n]{0,4}$`,
  'iu',
)

/** `Tel.: `, `call me on `, `my number is `. */
export function endsWithPhoneCue(before: string): boolean {
  return phone.test(before)
}

const orderWord =
  'orders?|invoices?|purchases?|tracking|ref|reference|bill|ticket|case|account|acct|serial|item|booking|confirmation|policy|customer|transaction|parcel|shipment|package|article|product|sku|isbn|issn|ean|upc|imei|gtin|asin|doi|pmid|barcode|code|pin|batch|lot|model|part|bestellung|rechnung|pedido|factura|commande|facture|claim code|suite|id|#'
const order = new RegExp(String.raw`(?<![\p{L}])(?:${orderWord})(?![\p{L}])[^.!?;\n\d]{0,24}$`, 'iu')

/** `order number `, `invoice #`: what follows is no phone and no card. */
export function endsWithOrderCue(before: string): boolean {
  return order.test(before) || before.endsWith('#')
}
