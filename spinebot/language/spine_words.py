"""The words that visitors use for spines, illnesses, medicines and treatments, by our word for it.

Data only: ``spine_terms`` finds them, ``treatments`` decides which treatments were tried.
"""

from __future__ import annotations


def _words(text: str) -> list[str]:
    """Spellings between commas; "[disc]" stands for disc, disk, discs and disks."""
    spellings = [each.strip() for each in text.split(",")]
    return [
        spelling.replace("[disc]", disc)
        for spelling in spellings
        for disc in (("disc", "disk", "discs", "disks") if "[disc]" in spelling else ("",))
    ]


# kind -> our word -> what visitors write
TERMS: dict[str, dict[str, list[str]]] = {
    "region": {
        "neck": _words("neck, cervical, cervical spine, c spine, c-spine, cspine, nape"),
        "mid back": _words(
            "mid back, midback, mid-back, middle back, middle of my back, upper back, upper-back, "
            "thoracic, thoracic spine, t spine, t-spine, shoulder blade, shoulder blades"
        ),
        "low back": _words(
            "low back, lower back, low-back, lower-back, lowback, lowerback, lumbar, lumber, "
            "lumbar spine, lumber spine, l spine, l-spine, lspine, lumbago, tailbone, tail bone, "
            "sacrum, coccyx, small of my back"
        ),
        "back": _words("back, spine, bak"),
        "leg": _words(
            "leg, legs, thigh, thighs, calf, calves, shin, shins, ankle, foot, feet, toe, toes, "
            "buttock, buttocks, butt, butt cheek, glute, glutes, hamstring, hip, hips, big toe"
        ),
        "arm": _words(
            "arm, arms, shoulder, shoulders, elbow, forearm, wrist, hand, hands, finger, fingers, "
            "thumb, thumbs, bicep, tricep"
        ),
    },
    "condition": {
        "herniated disc": _words(
            "herniated [disc], hernated [disc], herniatted [disc], hernaited [disc], "
            "herinated [disc], herneated [disc], slipped [disc], slip [disc], sliped [disc], "
            "ruptured [disc], prolapsed [disc], blown [disc], extruded [disc], protruding [disc], "
            "sequestered [disc], popped [disc], [disc] herniation, [disc] herniations, "
            "[disc] prolapse, [disc] protrusion, [disc] extrusion, hernia [disc], [disc] hernia, "
            "herniation, herniations, herniated, hernated, hernaited, protrusion, extrusion, hnp"
        ),
        "bulging disc": _words(
            "bulging [disc], buldging [disc], bulgeing [disc], buldge [disc], bulged [disc], "
            "bulge [disc], [disc] bulge, [disc] bulges, [disc] bulging, bulge, bulges, bulging, "
            "buldge, buldging"
        ),
        "sciatica": _words(
            "sciatica, siatica, sciatia, ciatica, cyatica, syatica, scatica, sciattica, sciaticia, "
            "sciatica pain, sciatic, siatic, sciatic nerve, sciatic pain, pinched nerve, "
            "pinched nerves, trapped nerve, compressed nerve, pinch nerve, radiculopathy"
        ),
        "stenosis": _words(
            "stenosis, stenosys, stinosis, stenois, stenosi, stenosis of the spine, "
            "spinal stenosis, foraminal stenosis, spinal narrowing, narrowing of the spine, "
            "narrow spinal canal"
        ),
        "disc wear": _words(
            "degenerative [disc], degenerative [disc] disease, degenerated [disc], "
            "degenerating [disc], degenerative disease, [disc] degeneration, [disc] wear, "
            "worn [disc], worn out [disc], worn down [disc], dried out [disc], desiccation, "
            "dessication, desiccated [disc], dessicated [disc], black [disc], spondylosis, ddd"
        ),
        "pregnancy": _words(
            "pregnant, pregnancy, pregnent, pregant, pregnet, prego, preggers, preggo, trimester, "
            "expecting a baby, weeks along"
        ),
        "osteoporosis": _words(
            "osteoporosis, osteoperosis, osteoporosys, osteoporotic, osteopenia, brittle bones, "
            "thin bones, weak bones"
        ),
        "cancer": _words(
            "cancer, cancers, cancerous, canser, tumor, tumors, tumour, tumours, lymphoma, "
            "melanoma, myeloma, leukemia, metastatic, metastasis, metastases, chemo, chemotherapy, "
            "cervical cancer, oncologist"
        ),
        "diabetes": _words(
            "diabetes, diabetic, diabetics, diabetis, diabeties, diabetees, insulin, metformin, "
            "a1c, blood sugar, blood sugars, ozempic"
        ),
        "pacemaker": _words(
            "pacemaker, pacemakers, pace maker, pace-maker, pacemeker, defibrillator, "
            "defibrilator, icd, heart device"
        ),
    },
    "symptom": {
        "spasm": _words(
            "spasm, spasms, spazm, spazms, spasam, spasams, spasim, spasming, spazzing, cramp, "
            "cramps, cramping, muscle spasm, muscle spasms, back spasm, back spasms, seized up, "
            "seizes up, charley horse, charlie horse"
        ),
        "numbness": _words(
            "numb, numbness, numness, numbnes, nummness, numbing, no feeling in, can't feel, "
            "lost feeling"
        ),
        "tingling": _words(
            "tingling, tingles, tingle, tingly, tinglling, tingeling, pins and needles, "
            "pin and needles, pins & needles, needles and pins"
        ),
        "weakness": _words(
            "weak, weaker, weakness, weaknes, weekness, foot drop, footdrop, drop foot, "
            "giving way, gives way, buckles, buckling, loss of strength, no strength"
        ),
        "pain": _words(
            "pain, pains, painful, pian, hurt, hurts, hurting, ache, aches, aching, achy, sore, "
            "soreness, agony"
        ),
        "fever": _words(
            "fever, fevers, feverish, feaver, chills, temperature of, high temperature, "
            "running a temperature, running a temp"
        ),
        "claustrophobia": _words(
            "claustrophobia, claustrophobic, claustraphobic, clostrophobic, claustrofobic, "
            "closterphobic, claustrophic, tight spaces, small spaces, enclosed spaces, "
            "confined spaces, closed spaces, closed in"
        ),
    },
    "medicine": {
        "ibuprofen": _words(
            "ibuprofen, ibuprofin, ibuprophen, ibprofen, ibuprofren, ibuprofane, iboprofen, "
            "ibuprofine, ibu, advil, advill, motrin, nurofen"
        ),
        "naproxen": _words(
            "naproxen, naproxin, naproxyn, naprosyn, anaprox, aleve, alieve, aleeve, alleve"
        ),
        "acetaminophen": _words(
            "acetaminophen, acetominophen, acetaminofen, acetaminophin, acetaminaphen, "
            "acetominaphen, tylenol, tylonol, tylenal, tylanol, tynenol, paracetamol, panadol"
        ),
        "aspirin": _words("aspirin, asprin, asperin, aspirine, aspirn, excedrin, ecotrin"),
        "nsaid": _words(
            "nsaid, nsaids, anti-inflammatory, anti inflammatory, antiinflammatory, "
            "anti-inflammatories, anti inflammatories, antiinflammatories, anti inflamatory, "
            "anti-inflamatory, antiinflamatory, antinflammatory, meloxicam, mobic, diclofenac, "
            "voltaren, celebrex, celecoxib, toradol, ketorolac, etodolac, indomethacin, nabumetone"
        ),
        "muscle relaxant": _words(
            "muscle relaxant, muscle relaxants, muscle relaxer, muscle relaxers, muscle relaxor, "
            "muscle relaxors, muscle relaxent, muscle relaxents, muscel relaxer, muscel relaxers, "
            "relaxers, flexeril, flexaril, flexoril, flexiril, cyclobenzaprine, cyclobenzaprene, "
            "robaxin, methocarbamol, zanaflex, tizanidine, tizanadine, baclofen, soma, "
            "carisoprodol, skelaxin, metaxalone"
        ),
        "opioid": _words(
            "opioid, opioids, opiate, opiates, opiod, opiods, opoid, opoids, narcotic, narcotics, "
            "oxycodone, oxycontin, oxycodon, oxy, oxys, vicodin, percocet, percocets, norco, "
            "lortab, tramadol, tramodol, ultram, hydrocodone, hydrocodon, codeine, morphine, "
            "fentanyl, dilaudid, tapentadol, nucynta, suboxone, buprenorphine, methadone"
        ),
        "gabapentin": _words(
            "gabapentin, gabapentine, gabapenten, gabbapentin, gabapentan, gabba, "
            "neurontin, neurotin, pregabalin, lyrica, lirica"
        ),
        "blood thinner": _words(
            "blood thinner, blood thinners, blood thiner, blood thiners, bloodthinner, "
            "bloodthinners, blood thinning, anticoagulant, anticoagulants, warfarin, warfrin, "
            "warfarine, coumadin, cumadin, coumadine, eliquis, eliquist, elequis, eloquis, "
            "apixaban, xarelto, zarelto, xeralto, xaralto, rivaroxaban, pradaxa, dabigatran, "
            "savaysa, plavix, clopidogrel, brilinta, heparin, lovenox, enoxaparin"
        ),
        "steroid": _words(
            "steroid, steroids, steriod, steriods, oral steroid, oral steroids, steroid pack, "
            "steroid pill, steroid pills, prednisone, prednizone, predisone, prednisolone, medrol, "
            "medrol pack, medrol dose pack, medrol dosepak, dose pack, dosepak, "
            "methylprednisolone, dexamethasone, decadron, cortisone, cortizone"
        ),
        "antidepressant": _words(
            "antidepressant, antidepressants, anti depressant, anti depressants, anti-depressant, "
            "anti-depressants, antidepresant, cymbalta, symbalta, duloxetine, zoloft, sertraline, "
            "lexapro, escitalopram, prozac, fluoxetine, paxil, celexa, citalopram, effexor, "
            "venlafaxine, ssri, ssris, snri, snris, amitriptyline, amitriptylin, elavil, "
            "nortriptyline, wellbutrin, trazodone"
        ),
    },
    "duration": {
        "acute": _words("acute, just started"),
        "subacute": _words("subacute, sub-acute"),
        "chronic": _words("chronic, cronic, chronically, long-standing, longstanding"),
    },
    "age": {
        "teen": _words(
            "teen, teens, teenager, teenagers, teenage, teenaged, adolescent, adolescents, "
            "high schooler, middle schooler"
        ),
        "older adult": _words(
            "elderly, eldery, senior citizen, senior citizens, seniors, older adult, older adults, "
            "older people, older person, old people, old lady, old man, grandma, grandmother, "
            "grandmom, grandpa, grandfather, granddad, grandad, granny, nana"
        ),
    },
}

# What one may have tried; only what was tried becomes a term.
TREATMENTS: dict[str, list[str]] = {
    "rest": _words(
        "rest, resting, rested, bed rest, bedrest, stayed in bed, been in bed, staying in bed, "
        "taking it easy, taken it easy, took it easy"
    ),
    "exercise": _words(
        "exercise, exercises, exercising, excercise, excercises, exersize, exersise, exersises, "
        "exercize, stretch, stretches, stretching, streching, yoga, pilates, swimming, walking, "
        "planks, core work, gym, working out, mckenzie exercises"
    ),
    "physical therapy": _words(
        "physical therapy, physical therapist, physical therepy, physical theropy, "
        "physical thearpy, physicaltherapy, phisical therapy, fisical therapy, phys therapy, "
        "physio, physiotherapy, physiotherapist, pt, p.t."
    ),
    "medicine": _words(
        "medicine, medicines, medication, medications, medcine, medecine, medicin, meds, med, "
        "pill, pills, pain killer, pain killers, painkiller, painkillers, pain pill, pain pills, "
        "pain meds, pain med, pain medicine, pain medication, pain medications, pain reliever, "
        "pain relievers, otc, over the counter, over-the-counter"
    ),
    "injection": _words(
        "injection, injections, injecton, injectons, injektion, shot, shots, epidural, epidurals, "
        "epideral, epidurel, esi, esis, epidural steroid, epidural steroids, "
        "epidural steroid injection, epidural steroid injections, epidural injection, "
        "epidural injections, steroid shot, steroid shots, steroid injection, steroid injections, "
        "steriod shot, steriod shots, cortisone shot, cortisone shots, cortisone injection, "
        "cortisone injections, nerve block, nerve blocks, ablation, rfa"
    ),
    "surgery": _words(
        "surgery, surgeries, surgry, sugery, surgury, surgerys, operation, operations, "
        "back surgery, back surgeries, neck surgery, spine surgery, spinal surgery, "
        "[disc] surgery, lumbar surgery, cervical surgery, back operation, discectomy, "
        "discetomy, diskectomy, "
        "microdiscectomy, micro discectomy, microdiskectomy, laminectomy, laminectomies, "
        "lamenectomy, laminotomy, foraminotomy, fusion, fusions, spinal fusion, lumbar fusion, "
        "neck fusion, cervical fusion, [disc] replacement, acdf, tlif, plif"
    ),
    "chiropractic": _words(
        "chiropractor, chiropractors, chiropractic, chiropracter, chirpractor, chiropractic care, "
        "chiro, chiros, spinal manipulation, adjustments"
    ),
}
# Sounds like one of the treatments, and is none of them.
NO_TREATMENTS = _words(
    "knee surgery, hip surgery, hip replacement, knee replacement, heart surgery, bypass surgery, "
    "shoulder surgery, foot surgery, hand surgery, wrist surgery, eye surgery, cataract surgery, "
    "gallbladder surgery, hernia surgery, bariatric surgery, weight loss surgery, brain surgery, "
    "dental surgery, oral surgery, plastic surgery, carpal tunnel surgery, thyroid surgery, "
    "prostate surgery, breast surgery, c section, flu shot, covid shot, tetanus shot, "
    "epidural for labor, epidural during labor, labor epidural, give it a shot, the rest of, "
    "plastic surgeon, hours of operation, hours of operations"
)
