"""Topics that are learned from labelled articles. Pure: no clock, no store, no configuration.

    examples ──training──> Model ──model_file──> bytes ──model_file──> Model ──judge──> TopicVerdict

numpy is enough to judge; scikit-learn, of the extra `bantin[learn]`, is needed in `training` alone.
Modules outside of this package import it where they need it: a site may have no learned topic.
"""
