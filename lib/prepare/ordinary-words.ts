/** Names that are words too: in small letters they are taken for the word. */
const words = `
will may mark rose grace hope bill jack rob sue art drew faith joy june april august dawn summer autumn ivy lily daisy violet iris hazel olive ruby
pearl amber jade crystal coral robin frank grant chase hunter chance miles wade dale glen cliff forrest brook brooks rich chuck dick nick skip gene
sandy misty stormy star skye angel christian dean earl duke king prince baron major bishop pope price cash bond banks bush woods wood field fields
stone rivers river lake hill hills green brown white black gray grey young old long short little small strong swift sharp wise bright best good
goodman power powers page reader baker cook miller taylor carpenter mason cooper fisher gardener shepherd farmer potter weaver turner walker driver
porter butler clerk parker marshall ward west north south east knight night weeks winter love lord case cross church house hall park street lane ford
bridge wells ball bell berry berg bird fox wolf lamb bull finch crane drake peacock swan heart hand head foot blood bone back
ernst klein gross lang kurz wolf vogel fuchs hahn koch richter schneider fischer müller schmidt weber wagner becker schäfer bauer zimmermann krüger
kaiser könig winter sommer herbst sonntag freitag mai mars rose pierre blanc noir petit grand grande leroy boucher berger marchand roi cruz flores
rosa blanca dolores mercedes pilar luz sol paz consuelo esperanza ángel jesús bravo rubio moreno delgado blanco rojo calvo guerrero herrero zapatero
sten berg lind ström sjö björn bosse stig dag liv siv bo
`
  .trim()
  .split(/\s+/)

export const ordinaryWords: ReadonlySet<string> = new Set(words)
